"""Python's `cryptography`, as a merchant would write it."""

import base64
import hashlib
import json
import sys
import time
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

folder = Path(sys.argv[1])
BITS = ("1024", "2048")
# Python's OpenSSL may refuse keys of 1024 bits; then the answer to a command for them is "none".
public, private, notification = {}, {}, {}
for bits in BITS:
    notification[bits] = (folder / f"notification-{bits}.json").read_bytes()
    public[bits] = serialization.load_pem_public_key((folder / f"platform-{bits}.pub.pem").read_bytes())
    private[bits] = serialization.load_pem_private_key((folder / f"merchant-{bits}.pem").read_bytes(), None)
order = (folder / "order.txt").read_bytes()
PADDING, SHA256 = padding.PKCS1v15(), hashes.SHA256()


def text(value):
    return value if isinstance(value, str) else json.dumps(value)


def verify(bits):
    data = json.loads(notification[bits])["data"]
    signature = base64.b64decode(data.pop("sign"), validate=True)
    members = sorted((name, value) for name, value in data.items() if value not in (None, ""))
    canonical = "&".join(f"{name}={text(value)}" for name, value in members)
    public[bits].verify(signature, hashlib.sha256(canonical.encode()).digest(), PADDING, SHA256)


def sign(bits):
    return base64.b64encode(private[bits].sign(hashlib.sha256(order).digest(), PADDING, SHA256))


def refuses_another():
    try:
        public["2048"].verify(bytes(256), b"another", PADDING, SHA256)
    except InvalidSignature:
        return
    sys.exit("a forged signature passed")


refuses_another()
for line in sys.stdin:
    what, bits, times = line.split()
    call = {"verify": verify, "sign": sign}[what]
    begun = time.perf_counter_ns()
    for _ in range(int(times)):
        call(bits)
    print(time.perf_counter_ns() - begun, flush=True)
