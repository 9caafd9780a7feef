"""A refresh each morning with Apache Airflow 3: put this file into the folder of DAGs.

The workers need ``pip install klarify-xl`` and a folder that lasts for the store. The key is a
variable of the workers' environment, ``KLARIFY_API_KEY``; Airflow itself never sees it.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import dag, task

OUT = "s3://reports/procedures.xlsx"
STORE = "/var/lib/klarify-xl/klarify.db"


@dag(
    schedule="30 6 * * 1-5",
    start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")),
    catchup=False,
    # Two refreshes never use the store at once.
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=10)},
    tags=["klarify"],
)
def procedures() -> None:
    """Bring the workbook of procedures up to date."""

    @task(execution_timeout=timedelta(minutes=90))
    def refresh() -> dict[str, object]:
        """Refresh, and return what was found, which Airflow keeps."""
        import klarify_xl  # noqa: PLC0415 -- the scheduler, which reads this file, may lack it

        return klarify_xl.refresh(OUT, store=STORE).as_json()

    refresh()


procedures()
