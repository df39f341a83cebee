"""The UCanPay merchant protocol as its reference tells it. Written apart from the Rust crates; shares nothing with them."""

import base64
import hashlib
import json
import os
import secrets
import subprocess
import tempfile


class Untrusted(Exception):
    """A message that proves nothing."""


class Number(str):
    """A JSON number, in exactly the characters that stand in the message."""


def read(text):
    """Reads JSON strictly: no name twice, numbers as they stand."""

    def members(pairs):
        names = [name for name, _ in pairs]
        if len(names) != len(set(names)):
            raise Untrusted("a name stands there twice")
        return dict(pairs)

    def refuse(word):
        raise Untrusted(f"{word} is no JSON")

    try:
        return json.loads(
            text, object_pairs_hook=members, parse_int=Number, parse_float=Number, parse_constant=refuse
        )
    except (ValueError, RecursionError) as error:
        raise Untrusted("it is no JSON") from error


def canonical(members):
    """The text that is signed: sorted by the names' bytes, without `sign` and what is empty."""
    pairs = []
    for name, value in members.items():
        if name == "sign" or value is None or value == "":
            continue
        if isinstance(value, bool):
            value = "true" if value else "false"
        if isinstance(value, int):
            value = str(value)
        if not isinstance(value, str):
            raise Untrusted("a value is nested")
        pairs.append((name.encode(), value.encode()))
    return b"&".join(name + b"=" + value for name, value in sorted(pairs))


class OpenSsl:
    """Keys by way of the program `openssl`."""

    def sign(self, key_file, message):
        return _run(["openssl", "dgst", "-sha256", "-sign", key_file], message).stdout

    def verify(self, key_file, message, signature):
        with tempfile.NamedTemporaryFile() as file:
            file.write(signature)
            file.flush()
            done = _run(["openssl", "dgst", "-sha256", "-verify", key_file, "-signature", file.name], message, False)
        return done.returncode == 0


class Cryptography:
    """Keys by way of the package `cryptography`."""

    def sign(self, key_file, message):
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding

        with open(key_file, "rb") as file:
            key = serialization.load_pem_private_key(file.read(), None)
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())

    def verify(self, key_file, message, signature):
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding

        with open(key_file, "rb") as file:
            key = serialization.load_pem_public_key(file.read())
        try:
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
            return True
        except InvalidSignature:
            return False


def _run(command, stdin, check=True):
    return subprocess.run(command, input=stdin, capture_output=True, check=check)


def crypto():
    if os.environ.get("PEERS_CRYPTO") != "openssl":
        try:
            import cryptography  # noqa: F401

            return Cryptography()
        except ImportError:
            pass
    return OpenSsl()


class Merchant:
    """A merchant's number and key, and the gateway's key."""

    def __init__(self, merchant_id, private_key_file, platform_key_file):
        self.merchant_id = merchant_id
        self.private_key_file = private_key_file
        self.platform_key_file = platform_key_file
        self.crypto = crypto()

    def signed(self, members):
        """The members of a request with merchant, nonce and signature."""
        members = {"merchantId": self.merchant_id, "nonceStr": secrets.token_hex(16), "signType": "RSA", **members}
        digest = hashlib.sha256(canonical(members)).digest()
        signature = self.crypto.sign(self.private_key_file, digest)
        return {**members, "sign": base64.b64encode(signature).decode()}

    def proven(self, data):
        """The members of an answer's or notification's `data`, if the gateway signed them."""
        if isinstance(data, str):
            data = read(data)
        if not isinstance(data, dict):
            raise Untrusted("data is no object")
        for name, value in data.items():
            if "&" in name or "=" in name or "&" in str(value):
                raise Untrusted("its signed text could be another message's")
        if data.get("signType") not in (None, "", "RSA"):
            raise Untrusted("the message chooses how it is verified")
        sign = data.get("sign")
        try:
            signature = base64.b64decode(sign, validate=True)
        except (ValueError, TypeError) as error:
            raise Untrusted("there is no signature") from error
        if base64.b64encode(signature).decode() != sign:
            raise Untrusted("the signature is written loosely")
        digest = hashlib.sha256(canonical(data)).digest()
        if not self.crypto.verify(self.platform_key_file, digest, signature):
            raise Untrusted("the gateway has not signed it")
        return data
