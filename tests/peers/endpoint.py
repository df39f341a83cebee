"""An endpoint for payment notifications: one order, no framework.

endpoint.py MERCHANT_ID PRIVATE_KEY PLATFORM_KEY ORDER AMOUNT, then it prints the port on which it listens.
"""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import ucanpay

LONGEST = 64 * 1024

merchant_id, private_key, platform_key, order, amount = sys.argv[1:]
merchant = ucanpay.Merchant(merchant_id, private_key, platform_key)
lock = threading.Lock()
paid = False


def take(body):
    """Whether it is genuine; pays the order if it says so."""
    global paid
    try:
        envelope = ucanpay.read(body.decode())
        if not isinstance(envelope, dict):
            return False
        data = merchant.proven(envelope.get("data"))
    except (ucanpay.Untrusted, UnicodeDecodeError):
        return False
    is_ours = (
        data.get("merchantId") == merchant_id
        and data.get("outTradeNo") == order
        and data.get("totalAmt") == amount
        and data.get("currency") == "CAD"
    )
    with lock:
        if is_ours and str(data.get("tradeStatus", "")).upper() in ("SUCCESS", "REFUND"):
            paid = True
    return True


class Handler(BaseHTTPRequestHandler):
    timeout = 30

    def do_GET(self):
        with lock:
            self.answer(200, "the order is: paid" if paid else "the order is: open")

    def do_POST(self):
        length = self.headers.get("content-length")
        if length is not None and int(length) > LONGEST:
            self.close_connection = True
            return self.answer(413, '{"return_code":"FAIL","return_msg":"too large"}')
        body = self.chunks() if length is None else self.rfile.read(int(length))
        word = "SUCCESS" if take(body) else "FAIL"
        self.answer(200, f'{{"return_code":"{word}","return_msg":"-"}}')

    def chunks(self):
        body = b""
        while len(body) <= LONGEST:
            size = int(self.rfile.readline().split(b";")[0] or b"0", 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                break
        return body

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Who goes away before the answer is told nothing, and nobody else need be."""


server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
