"""Bearer tokens: JSON Web Tokens (RFC 7519), verified with one key and one algorithm (profile `auth`).

The algorithm comes from the operator's settings, never from the token: otherwise the public key could be
passed off as an HMAC secret (RFC 8725). PyJWT is loaded only where tokens are asked for.
"""

from __future__ import annotations

from pathlib import Path

from signalproof_server import wire
from signalproof_server.config import Limits, Settings, TokenKey
from signalproof_server.errors import Unauthorized

__all__ = ["Tokens", "UnusableKey", "read_public_key", "read_secret", "tokens_of"]

SECRET_BYTES = 32
"""The length of the hash of HS256: a secret has to have it (RFC 7518, section 3.2)."""
RSA_BITS = 2048
"""The least length of an RSA key (RFC 7518, section 3.3)."""


class UnusableKey(Exception):
    """The operator's key file cannot be used; the text says why and holds nothing of the file."""


class Tokens:
    """What tells whose a token is."""

    def __init__(self, key: TokenKey, limits: Limits) -> None:
        import jwt

        # `exp` and `nbf` count where they are present; other claims mean nothing.
        options = {"verify_aud": False, "verify_iat": False, "verify_jti": False}
        self._jwt = jwt.PyJWT(options)  # type: ignore[arg-type]  # some of its options
        self._expired = jwt.ExpiredSignatureError
        self._algorithm = key.algorithm
        self._key = jwt.get_algorithm_by_name(key.algorithm).prepare_key(key.key)
        self._limits = limits

    def subject(self, token: str) -> str:
        """Get the login that a token proves; raise `Unauthorized` if it is not valid (AUTH-4)."""
        try:
            claims = self._jwt.decode(token, self._key, algorithms=[self._algorithm])
        except self._expired:
            raise Unauthorized("The token has expired.") from None
        except Exception:  # noqa: BLE001 - foreign code fed with foreign input; whatever it is, it proves nothing
            raise Unauthorized("The token is not valid.") from None
        subject = claims.get("sub")
        if not isinstance(subject, str) or wire.why_no_login(subject, self._limits):
            raise Unauthorized("The subject of the token is not a login.")
        return subject


def tokens_of(settings: Settings) -> Tokens | None:
    """Make what verifies tokens; None where no tokens are asked for."""
    return None if settings.token_key is None else Tokens(settings.token_key, settings.limits)


def read_secret(path: Path) -> TokenKey:
    """Read the secret of HS256 from a file, without the line ends behind it; raise `UnusableKey`."""
    secret = _read(path).rstrip(b"\r\n")
    if secret.startswith((b"-----BEGIN", b"ssh-")):
        raise UnusableKey(f"{path} holds a key, not a secret.")
    if len(secret) < SECRET_BYTES:
        raise UnusableKey(f"the secret in {path} is shorter than {SECRET_BYTES} bytes.")
    return TokenKey(algorithm="HS256", key=secret)


def read_public_key(path: Path) -> TokenKey:
    """Read the public key of RS256 or ES256 from a PEM file; raise `UnusableKey`."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    pem = _read(path)
    try:
        key = load_pem_public_key(pem)
    except Exception as error:
        raise UnusableKey(f"{path} holds no public key in PEM.") from error
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS:
        return TokenKey(algorithm="RS256", key=pem)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return TokenKey(algorithm="ES256", key=pem)
    raise UnusableKey(f"the key in {path} is neither RSA of {RSA_BITS} bits or more nor of the curve P-256.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnusableKey(f"cannot read {path}: {error.strerror or error}.") from error
