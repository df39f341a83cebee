"""One test for each rule of the reference, against a running sandbox.

rules.py BASE_URL MERCHANT_ID PRIVATE_KEY PLATFORM_KEY; the sandbox re-sends notifications every 200 ms or so.
"""

import itertools
import json
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import ucanpay

base, merchant_id, private_key, platform_key = sys.argv[1:]
merchant = ucanpay.Merchant(merchant_id, private_key, platform_key)
numbers = itertools.count(1)
# Nothing here leaves this machine.
web = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Shop(ThreadingHTTPServer):
    """Takes notifications: answers FAIL so often, then SUCCESS."""

    daemon_threads = True

    def __init__(self, failures=0):
        super().__init__(("127.0.0.1", 0), Taking)
        self.failures = failures
        self.came = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/ucanpay/payment"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def next(self, count=1):
        """The first so many notifications, once they are there."""
        deadline = time.monotonic() + 20
        while len(self.came) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        if len(self.came) < count:
            raise AssertionError(f"{len(self.came)} notifications came, not {count}")
        return self.came[:count]


class Taking(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.came.append(body.decode())
        word = "FAIL" if len(self.server.came) <= self.server.failures else "SUCCESS"
        answer = f'{{"return_code":"{word}","return_msg":"-"}}'.encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def post(path, body, method="POST"):
    request = urllib.request.Request(base + path, data=body, method=method)
    request.add_header("content-type", "application/json")
    try:
        with web.open(request, timeout=20) as answer:
            return ucanpay.read(answer.read().decode())
    except urllib.error.HTTPError as error:
        return ucanpay.read(error.read().decode())


def raw(call, request):
    """The whole answer to a request whose members stand as they are."""
    return post(f"/payment/{call}", json.dumps(request, ensure_ascii=False).encode())


def done(call, members):
    """The proven data of a call that has to go well."""
    answer = raw(call, merchant.signed(members))
    if answer["code"] != "0":
        raise AssertionError(f"{call}: {answer}")
    return merchant.proven(answer["data"])


def refused(call, members):
    """The error's name of a call that has to be refused."""
    return name(raw(call, merchant.signed(members)))


def name(answer):
    if answer["code"] == "0":
        raise AssertionError(f"not refused: {answer}")
    return answer["msg"]


def order(url="http://127.0.0.1:9/ucanpay/payment", **changed):
    members = {
        "subject": "coffee",
        "body": "two coffees",
        "deviceNo": "web",
        "totalAmt": 450,
        "sceneType": "NATIVE",
        "outTradeNo": f"PEER{next(numbers)}",
        "currency": "CAD",
        "notifyUrl": url,
    }
    return {**members, **changed}


def refund(of, cents, number="R", **changed):
    placed, answer = of
    members = {
        "ucpOrderNo": answer["ucpOrderNo"],
        "outTradeNo": placed["outTradeNo"],
        "outRefundNo": placed["outTradeNo"] + number,
        "totalAmt": placed["totalAmt"],
        "refundAmt": cents,
        "refundDesc": "cold",
        "notifyUrl": placed["notifyUrl"],
    }
    return {**members, **changed}


def placed(**changed):
    members = order(**changed)
    return members, done("unifiedorder", members)


def pay(number):
    post(f"/_sandbox/orders/{number}/pay", b"{}")


def paid(**changed):
    one = placed(**changed)
    pay(one[0]["outTradeNo"])
    return one


def status(of):
    members, _ = of
    return done("orderquery", {"outTradeNo": members["outTradeNo"]})["tradeStatus"]


def refunded(request):
    """The refund's status once it is no longer under way."""
    asked = {key: request[key] for key in ("outTradeNo", "ucpOrderNo", "outRefundNo")}
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        answer = done("refundquery", asked)
        if answer["refundStatus"] != "PROCESSING":
            return answer
        time.sleep(0.05)
    raise AssertionError("the refund stays under way")


class Signatures(unittest.TestCase):
    def test_an_answer_is_signed_and_repeats_the_order(self):
        members, answer = placed()
        self.assertEqual(answer["outTradeNo"], members["outTradeNo"])
        self.assertEqual(answer["totalAmt"], "450")
        self.assertEqual(answer["merchantId"], merchant_id)
        self.assertTrue(answer["ucpOrderNo"])

    def test_an_answer_that_is_changed_proves_nothing(self):
        answer = raw("unifiedorder", merchant.signed(order()))["data"]
        with self.assertRaises(ucanpay.Untrusted):
            merchant.proven({**answer, "totalAmt": ucanpay.Number("451")})

    def test_a_request_that_is_changed_is_refused(self):
        request = merchant.signed(order())
        self.assertEqual(name(raw("unifiedorder", {**request, "totalAmt": 1})), "SIGNERROR")

    def test_a_request_without_a_signature_is_refused(self):
        request = merchant.signed(order())
        del request["sign"]
        self.assertIn(name(raw("unifiedorder", request)), ("SIGNERROR", "LACK_PARAMS"))

    def test_another_merchant_is_refused(self):
        self.assertIn(refused("unifiedorder", order(merchantId="2000000011")), ("NOAUTH", "SIGNERROR"))

    def test_text_beyond_ascii_is_signed_as_utf_8(self):
        members, answer = placed(subject="咖啡 é 😀", body="两杯咖啡")
        self.assertEqual(answer["outTradeNo"], members["outTradeNo"])

    def test_the_order_of_members_does_not_matter(self):
        request = merchant.signed(order())
        self.assertEqual(raw("unifiedorder", dict(reversed(request.items())))["code"], "0")

    def test_escaped_text_is_the_same_text(self):
        request = json.dumps(merchant.signed(order(subject="咖啡"))).encode()
        self.assertNotIn("咖".encode(), request)
        self.assertEqual(post("/payment/unifiedorder", request)["code"], "0")

    def test_what_is_empty_or_null_is_not_signed(self):
        request = merchant.signed(order())
        answer = raw("unifiedorder", {**request, "attach": "", "goodsTag": None})
        self.assertEqual(answer["code"], "0")


class Requests(unittest.TestCase):
    def test_only_post_is_taken(self):
        for call in ("unifiedorder", "closeorder", "reverse", "refund", "refundquery"):
            self.assertEqual(name(post(f"/payment/{call}", None, "GET")), "REQUIRE_POST_METHOD")

    def test_an_empty_body_is_refused(self):
        self.assertEqual(name(post("/payment/unifiedorder", b"")), "POST_DATA_EMPTY")

    def test_what_is_not_utf_8_is_refused(self):
        self.assertEqual(name(post("/payment/unifiedorder", b'{"subject":"\xff"}')), "NOT_UTF8")

    def test_a_mandatory_member_that_is_left_out_is_missed(self):
        for member in ("subject", "body", "totalAmt", "sceneType", "outTradeNo", "currency", "notifyUrl"):
            members = order()
            del members[member]
            self.assertEqual(refused("unifiedorder", members), "LACK_PARAMS", member)

    def test_each_member_keeps_its_rule(self):
        for broken in (
            {"subject": "s" * 31},
            {"subject": "a&b"},
            {"body": "b" * 65},
            {"totalAmt": 0},
            {"totalAmt": -1},
            {"totalAmt": 2147483648},
            {"sceneType": "APP"},
            {"outTradeNo": "A-1"},
            {"outTradeNo": "9" * 33},
            {"currency": "cad"},
            {"notifyUrl": "http://127.0.0.1:9/n?a=1"},
            {"notifyUrl": "http://127.0.0.1:9/" + "n" * 64},
        ):
            self.assertEqual(refused("unifiedorder", order(**broken)), "INVALID_REQUEST", broken)


class Orders(unittest.TestCase):
    def test_the_same_bytes_again_are_the_same_order(self):
        request = merchant.signed(order())
        one, other = raw("unifiedorder", request), raw("unifiedorder", request)
        one, other = merchant.proven(one["data"]), merchant.proven(other["data"])
        self.assertEqual(one["ucpOrderNo"], other["ucpOrderNo"])

    def test_the_same_number_with_another_amount_is_refused(self):
        members, _ = placed()
        self.assertEqual(refused("unifiedorder", {**members, "totalAmt": 451}), "INVALID_REQUEST")

    def test_an_order_is_unpaid_then_paid(self):
        one = placed()
        self.assertEqual(status(one), "NOTPAY")
        pay(one[0]["outTradeNo"])
        self.assertEqual(status(one), "SUCCESS")

    def test_a_paid_order_is_not_placed_again(self):
        members, _ = paid()
        self.assertEqual(refused("unifiedorder", members), "ORDERPAID")

    def test_a_buyer_who_declines_leaves_a_failed_attempt(self):
        one = placed()
        post(f"/_sandbox/orders/{one[0]['outTradeNo']}/decline", b"{}")
        self.assertEqual(status(one), "PAYERROR")

    def test_an_order_that_is_not_there_is_not_found(self):
        self.assertEqual(refused("orderquery", {"outTradeNo": "NOBODY"}), "ORDERNOTEXIST")

    def test_an_unpaid_order_is_closed_and_stays_so(self):
        members, answer = one = placed()
        asked = {"outTradeNo": members["outTradeNo"], "ucpOrderNo": answer["ucpOrderNo"]}
        self.assertEqual(done("closeorder", asked)["tradeStatus"], "CLOSED")
        self.assertEqual(status(one), "CLOSED")
        self.assertEqual(refused("closeorder", asked), "ORDERCLOSED")
        self.assertEqual(refused("unifiedorder", members), "ORDERCLOSED")

    def test_a_paid_order_is_not_closed(self):
        members, answer = paid()
        asked = {"outTradeNo": members["outTradeNo"], "ucpOrderNo": answer["ucpOrderNo"]}
        self.assertEqual(refused("closeorder", asked), "ORDERPAID")

    def test_reversing_ends_an_order_paid_or_not(self):
        for one in (placed(), paid()):
            answer = done("reverse", {"outTradeNo": one[0]["outTradeNo"], "ucpOrderNo": one[1]["ucpOrderNo"]})
            self.assertEqual(answer["tradeStatus"], "REVOKED")
            self.assertEqual(status(one), "REVOKED")


class Refunds(unittest.TestCase):
    def test_a_refund_is_accepted_and_then_succeeds(self):
        one = paid()
        request = refund(one, 150)
        answer = done("refund", request)
        self.assertEqual((answer["refundAmt"], answer["totalAmt"]), ("150", "450"))
        found = refunded(request)
        self.assertEqual((found["refundStatus"], found["totalRefundAmt"]), ("SUCCESS", "150"))
        self.assertEqual(found["ucpRefundNo"], answer["ucpRefundNo"])
        self.assertEqual(status(one), "REFUND")

    def test_the_same_refund_number_gives_the_money_back_once(self):
        request = refund(paid(), 150)
        one, other = done("refund", request), done("refund", request)
        self.assertEqual(one["ucpRefundNo"], other["ucpRefundNo"])
        self.assertEqual(refunded(request)["totalRefundAmt"], "150")

    def test_the_same_refund_number_with_another_amount_is_refused(self):
        one = paid()
        done("refund", refund(one, 150))
        self.assertEqual(refused("refund", refund(one, 151)), "REFUND_FEE_MISMATCH")

    def test_refunds_together_are_no_more_than_the_order(self):
        one = paid()
        refunded_first = refund(one, 400, "R1")
        done("refund", refunded_first)
        refunded(refunded_first)
        self.assertEqual(refused("refund", refund(one, 51, "R2")), "INVALID_REQUEST")
        done("refund", refund(one, 50, "R3"))

    def test_an_order_has_ten_refunds_and_no_eleventh(self):
        one = paid()
        for number in range(10):
            request = refund(one, 1, f"R{number}")
            done("refund", request)
            refunded(request)
        self.assertEqual(refused("refund", refund(one, 1, "R10")), "INVALID_REQUEST")

    def test_an_unpaid_order_is_not_refunded(self):
        self.assertEqual(refused("refund", refund(placed(), 1)), "INVALID_REQUEST")

    def test_a_refund_that_is_not_there_is_not_found(self):
        members, answer = paid()
        asked = {"outTradeNo": members["outTradeNo"], "ucpOrderNo": answer["ucpOrderNo"], "outRefundNo": "NOBODY"}
        self.assertEqual(refused("refundquery", asked), "REFUNDNOTEXIST")


class Notifications(unittest.TestCase):
    def news(self, text):
        envelope = ucanpay.read(text)
        self.assertEqual(envelope["code"], "0")
        return merchant.proven(envelope["data"])

    def test_a_payment_is_told_with_a_signature(self):
        shop = Shop()
        members, answer = paid(url=shop.url)
        (text,) = shop.next()
        news = self.news(text)
        expected = {
            "merchantId": merchant_id,
            "outTradeNo": members["outTradeNo"],
            "ucpOrderNo": answer["ucpOrderNo"],
            "totalAmt": "450",
            "currency": "CAD",
            "tradeStatus": "SUCCESS",
        }
        self.assertEqual({name: news[name] for name in expected}, expected)

    def test_what_is_answered_fail_comes_again_and_what_is_answered_success_does_not(self):
        shop = Shop(failures=2)
        paid(url=shop.url)
        texts = shop.next(3)
        self.assertEqual(len({self.news(text)["ucpOrderNo"] for text in texts}), 1)
        time.sleep(1)
        self.assertEqual(len(shop.came), 3)

    def test_a_refund_is_told_with_a_signature(self):
        one, shop = paid(), Shop()
        request = refund(one, 150, notifyUrl=shop.url)
        answer = done("refund", request)
        (text,) = shop.next()
        news = self.news(text)
        self.assertEqual(news["refundStatus"], "SUCCESS")
        self.assertEqual((news["refundAmt"], news["outRefundNo"]), ("150", request["outRefundNo"]))
        self.assertEqual(news["ucpRefundNo"], answer["ucpRefundNo"])
        self.assertNotIn("tradeStatus", news)


if __name__ == "__main__":
    unittest.main(argv=["rules"], verbosity=2)
