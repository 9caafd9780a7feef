"""Fleets: thousands of organisations, refreshed side by side on a Dask cluster.

`klarify_xl.fleet.file` reads ``fleet.toml``, `klarify_xl.fleet.run` spreads the organisations over
the workers, and `klarify_xl.fleet.work` is what a worker does for one of them. The manifest tells
what is done, and the report shows it.
"""
