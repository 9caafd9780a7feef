"""A sample organisation and an embedded API server, for trying out and for tests.

Standard library only, and nothing else of klarify_xl::

    from klarify_xl.demo import DemoServer, Organisation

    with DemoServer(Organisation(procedures=1247, seed=1)) as server:
        print(server.url, server.access_key)
"""

from klarify_xl.demo.faults import Fault
from klarify_xl.demo.organisation import Evolution, Organisation
from klarify_xl.demo.server import Behaviour, DemoServer, Request

__all__ = ["Behaviour", "DemoServer", "Evolution", "Fault", "Organisation", "Request"]
