"""The HTTP session, and its exceptions put into our own words.

Everything that requests and urllib3 raise holds the URL, and so the key. What is described here
names the host only.
"""

import socket
import ssl
from typing import Any, Final

import requests
import truststore
import urllib3
from requests.adapters import HTTPAdapter

from klarify_xl import __version__
from klarify_xl.errors import ConfigurationError, NetworkError
from klarify_xl.reply import Failure, proxy_login
from klarify_xl.secret import AccessKey


class _SystemTrust(HTTPAdapter):
    """Verifies certificates with the operating system's store instead of a shipped list.

    A bundle named by REQUESTS_CA_BUNDLE is trusted in addition.
    """

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:  # noqa: ANN401
        """Give each pool a context of the operating system's certificate store."""
        keywords["ssl_context"] = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().init_poolmanager(*args, **keywords)

    def proxy_manager_for(self, *args: Any, **keywords: Any) -> Any:  # noqa: ANN401
        """Give each proxied pool the same context."""
        keywords["ssl_context"] = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return super().proxy_manager_for(*args, **keywords)

    def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: Any) -> None:  # noqa: ANN401, FBT001
        """Leave out the list that requests ships; keep a bundle that the user named."""
        super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        if verify is True:
            conn.ca_certs = None
            conn.ca_cert_dir = None


def new_session(connections: int, *, direct: bool = False) -> requests.Session:
    """Return a session that keeps so many connections open, and retries nothing by itself.

    Args:
        connections: Connections to keep.
        direct: Use no proxy. Plain http is for this machine itself, and a proxy elsewhere would
            get the key unencrypted.
    """
    session = requests.Session()
    session.trust_env = not direct
    session.mount("https://", _SystemTrust(pool_maxsize=connections, max_retries=0))
    session.mount("http://", HTTPAdapter(pool_maxsize=connections, max_retries=0))
    session.headers["User-Agent"] = f"klarify-xl/{__version__}"
    session.headers["Accept"] = "application/json"
    # Without it requests would send a login from ~/.netrc along with the key.
    session.auth = lambda request: request
    return session


def timed_out(host: str) -> Failure:
    """Return the failure of a host that does not answer in time."""
    error = NetworkError(f"{host} did not answer in time.", hint="Try again later.")
    return Failure(error, transient=True, timed_out=True)


def describe(error: Exception, host: str, key: AccessKey) -> Failure:
    """Put an exception of the HTTP libraries into our own words, without its URL."""
    if isinstance(error, requests.ConnectTimeout):
        text = f"No connection to {host} in time."
        return Failure(NetworkError(text, hint=_CONNECTION_HINT), transient=True)
    if isinstance(error, requests.ReadTimeout | urllib3.exceptions.ReadTimeoutError | TimeoutError):
        return timed_out(host)
    if isinstance(error, requests.exceptions.ProxyError):
        reason = _innermost(error, key)
        text = f"The proxy for {host} can't be used: {reason}."
        failure = Failure(NetworkError(text, hint=_PROXY_HINT), transient=True)
        return Failure(proxy_login()) if "407" in reason else failure
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY" in str(error):
        text = f"The certificate of {host} is not trusted: {_innermost(error, key)}."
        return Failure(NetworkError(text, hint=_CERTIFICATE_HINT))
    if isinstance(error, _UNREQUESTABLE):
        text = f"The address {host} can't be requested ({type(error).__name__})."
        return Failure(ConfigurationError(text, hint="Check the base URL and the proxy settings."))
    text = f"The connection to {host} failed: {_innermost(error, key)}."
    return Failure(NetworkError(text, hint=_CONNECTION_HINT), transient=True)


_UNREQUESTABLE: Final = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
    urllib3.exceptions.LocationValueError,
)
_CONNECTION_HINT: Final = "Check the network, and HTTPS_PROXY if there is a proxy."
_PROXY_HINT: Final = "Check HTTPS_PROXY and NO_PROXY in the environment."
_CERTIFICATE_HINT: Final = (
    "If your network inspects traffic, add its certificate to the operating system's store, or "
    "name a bundle in REQUESTS_CA_BUNDLE."
)


def _innermost(error: BaseException, key: AccessKey) -> str:
    """Return the reason at the root of an exception of requests, redacted."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = [
            part
            for part in (getattr(error, "reason", None), *error.args)
            if isinstance(part, BaseException)
        ]
        following = inner[0] if inner else error.__cause__ or error.__context__
        if following is None:
            break
        error = following
    if isinstance(error, ssl.SSLCertVerificationError):
        return key.redact(error.verify_message)
    if isinstance(error, socket.gaierror):
        return "the host's name can't be resolved"
    if isinstance(error, OSError) and error.strerror:
        return key.redact(error.strerror)
    if isinstance(error, OSError) and str(error).startswith("Tunnel connection failed"):
        return key.redact(str(error))
    return _READABLE.get(type(error).__name__, type(error).__name__)


_READABLE: Final = {
    "IncompleteRead": "the reply broke off",
    "RemoteDisconnected": "the server closed the connection without an answer",
    "ProtocolError": "the reply broke off",
    "DecodeError": "the reply's compression is damaged",
    "ContentDecodingError": "the reply's compression is damaged",
    "InvalidChunkLength": "the reply broke off",
}
