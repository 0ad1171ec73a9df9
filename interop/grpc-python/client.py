"""Calls the test service as a stranger would: what there is to call is learned by reflection.

Usage: client.py <address>. Prints one JSON object: what each check has seen.
"""
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

SERVICE = "mortise.testing.v1.Echo"

address = sys.argv[1]
unlimited = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
channel = grpc.insecure_channel(address, options=unlimited)
database = ProtoReflectionDescriptorDatabase(channel)
pool = descriptor_pool.DescriptorPool(database)


def messages(path):
    service, name = path.split("/")
    method = pool.FindServiceByName(service).methods_by_name[name]
    return [message_factory.GetMessageClass(kind) for kind in (method.input_type, method.output_type)]


def method(name, kind, service=SERVICE, over=channel):
    request, response = messages(f"{service}/{name}")
    make = getattr(over, kind)
    return request, make(f"/{service}/{name}", request.SerializeToString, response.FromString)


def plain(message):
    return json_format.MessageToDict(message)


def failure(error):
    return {"code": error.code().name, "details": error.details()}


def attempt(call):
    try:
        call()
    except grpc.RpcError as error:
        return failure(error)
    return {"code": "OK", "details": ""}


def services():
    return sorted(database.get_services())


def unary():
    request, echo = method("Echo", "unary_unary")
    note = {
        "text": "Grüße, 榫卯",
        "number": "-9223372036854775808",
        "share": 0.5,
        "flag": True,
        "data": "AAH/",
        "mood": "MOOD_SAD",
        "tags": ["a", ""],
        "labels": {"k": -1},
        "title": "",
        "reply": {"text": "inner"},
        "page": 0,
    }
    return plain(echo(json_format.ParseDict(note, request()))) == note


def server_stream():
    request, count = method("Count", "unary_stream")
    return [reply.number for reply in count(request(count=300))]


def client_stream():
    request, total = method("Sum", "stream_unary")
    return plain(total(request(number=number) for number in range(1, 101)))


def both_stream():
    request, chat = method("Chat", "stream_stream")
    return [reply.text for reply in chat(request(text=str(number)) for number in range(50))]


def metadata():
    request, echo = method("Echo", "unary_unary")
    sent = (("x-one", "1"), ("x-many", "a"), ("x-many", "b"), ("x-data-bin", b"\x00\xff"))
    _, call = echo.with_call(request(), metadata=sent)
    seen = lambda pairs: [[key, value.hex() if isinstance(value, bytes) else value] for key, value in pairs]
    own = lambda pairs: sorted(pair for pair in seen(pairs) if "x-" in pair[0])
    return {"headers": own(call.initial_metadata()), "trailers": own(call.trailing_metadata())}


def context():
    request, whoami = method("Whoami", "unary_unary")
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    reply = whoami(request(), timeout=30, metadata=(("traceparent", trace), ("baggage", "user=1")))
    return {"trace": reply.trace_id, "baggage": dict(reply.baggage), "remaining": reply.remaining_ms}


def no_deadline():
    request, whoami = method("Whoami", "unary_unary")
    return whoami(request()).HasField("remaining_ms")


def deadline():
    request, sleep = method("Sleep", "unary_unary")
    return attempt(lambda: sleep(request(ms=-1), timeout=0.1))


def cancel():
    request, sleep = method("Sleep", "unary_unary")
    call = sleep.future(request(ms=60000))
    threading.Timer(2, call.cancel).start()
    try:
        call.result()
    except grpc.FutureCancelledError:
        return "cancelled"


def cancel_request_stream():
    """The handler must not take a stream that was given up for one that has ended."""
    request, total = method("Sum", "stream_unary")
    never = threading.Event()

    def numbers():
        yield request(number=1)
        never.wait(60)

    call = total.future(numbers())
    threading.Timer(2, call.cancel).start()
    try:
        call.result()
    except grpc.FutureCancelledError:
        never.set()
        return "cancelled"


def leave_stream():
    request, count = method("Count", "unary_stream")
    call = count(request(count=1000000000, padding=1000))
    numbers = [next(call).number for _ in range(3)]
    call.cancel()
    return numbers


def codes():
    request, fail = method("Fail", "unary_unary")
    return [attempt(lambda: fail(request(code=code, message=f"it is {code}: ä % \n"))) for code in range(1, 17)]


def details():
    request, fail = method("Fail", "unary_unary")
    try:
        fail(request(code=10, message="busy", reason="BUSY", details={"queue": "ä"}, retryable=True))
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        return {
            "code": status.code,
            "message": status.message,
            "info": [plain(info) for detail in status.details if detail.Unpack(info)],
            "retry": any(detail.Unpack(retry) for detail in status.details),
        }


def error_after_messages():
    request, count = method("Count", "unary_stream")
    seen = []
    try:
        for reply in count(request(count=9, fail_after=3)):
            seen.append(reply.number)
    except grpc.RpcError as error:
        return {"seen": seen, **failure(error)}


def bug():
    request, fail = method("Fail", "unary_unary")
    return attempt(lambda: fail(request(bug=True, message="secret")))


def unknown_method():
    call = channel.unary_unary(f"/{SERVICE}/Missing")
    return attempt(lambda: call(b""))


def malformed():
    call = channel.unary_unary(f"/{SERVICE}/Echo")
    return attempt(lambda: call(b"\xff\xff\xff"))


def too_long():
    request, upload = method("Upload", "unary_unary")
    return attempt(lambda: upload(request(data=bytes(9 * 1024 * 1024))))


def long_bodies():
    request, upload = method("Upload", "unary_unary")
    wanted, download = method("Bytes", "unary_unary")
    size = 4 * 1024 * 1024
    return [upload(request(data=bytes(size))).size, len(download(wanted(size=size)).data)]


def compressed():
    with grpc.insecure_channel(address, compression=grpc.Compression.Gzip) as over:
        request, upload = method("Upload", "unary_unary", over=over)
        return upload(request(data=bytes(100000))).size


def many_at_once():
    request, echo = method("Echo", "unary_unary")
    texts = [str(number) for number in range(300)]
    with ThreadPoolExecutor(32) as threads:
        return list(threads.map(lambda text: echo(request(text=text)).text, texts)) == texts


def health():
    request, check = method("Check", "unary_unary", service="grpc.health.v1.Health")
    return [plain(check(request(service=SERVICE))), attempt(lambda: check(request(service="other")))["code"]]


checks = [
    services,
    unary,
    server_stream,
    client_stream,
    both_stream,
    metadata,
    context,
    no_deadline,
    deadline,
    cancel,
    cancel_request_stream,
    leave_stream,
    codes,
    details,
    error_after_messages,
    bug,
    unknown_method,
    malformed,
    too_long,
    long_bodies,
    compressed,
    many_at_once,
    health,
]


def outcome(check):
    try:
        return check()
    except Exception as error:  # pylint: disable=broad-except
        return {"exception": repr(error)}


print(json.dumps({check.__name__: outcome(check) for check in checks}))
