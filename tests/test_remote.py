"""Output elsewhere: as locally, noticing what others do meanwhile, and without any secret."""

BUCKET = "reports"
KEY = "finance/klarify.xlsx"
URL = f"s3://{BUCKET}/{KEY}"
SECRET = "hunter2-of-the-bucket"
