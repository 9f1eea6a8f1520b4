"""Shapes of operation names: ids in names, and parts that are not ids."""

from __future__ import annotations

import re
import string
import uuid

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.strategies import unhurried
from tracetui.model.operation_shape import LONGEST_NAME, is_random, is_raw_path, may_be_shape, routed, shape, shapes

SHAPES = {
    # ids of their own kind
    "GET /orders/cd613e30-d8f1-6adf-91b7-584a2265b1f5": "GET /orders/{id}",
    "order_CD613E30-D8F1-6ADF-91B7-584A2265B1F5.pdf": "order_{id}.pdf",
    "GET /orders/cd613e30d8f16adf91b7584a2265b1f5": "GET /orders/{id}",
    "lookup 01HZX3J4K5M6N7P8Q9R0S1T200": "lookup {id}",
    "lookup req-01hzx3j4k5m6n7p8q9r0s1t200": "lookup req-{id}",
    # numbers
    "GET /stock/7000": "GET /stock/{id}",
    "GET /stock/7": "GET /stock/{id}",
    "GET /users/12/orders/34": "GET /users/{id}/orders/{id}",
    "GET /users/12/": "GET /users/{id}/",
    "GET /users/12?page=3": "GET /users/{id}?page={id}",
    "GET /v1/projects/123:cancel": "GET /v1/projects/{id}:cancel",
    "/users/12": "/users/{id}",
    "GET user:1000": "GET user:{id}",
    "GET user:1000:name": "GET user:{id}:name",
    "GET lat=51.5&n=-3": "GET lat={id}&n=-{id}",
    "order_8123": "order_{id}",
    "shard-003": "shard-{id}",
    "split-1234-5678": "split-{id}-{id}",
    "apart-123": "apart-{id}",
    # runs
    "main.3f2a1b9c.js": "main.{id}.js",
    "blob 9F86D081": "blob {id}",
    "session x7k2m9qpz": "session {id}",
    "session XK7P2M9QZ": "session {id}",
    "session aB3dEfGhIjKlMnOpQrStU4v": "session {id}",
    # pods and objects
    "stock-6d4cf56db6-abcd2 ready": "stock-{id} ready",
    "web-7d9f8c6b5-x2x4z": "web-{id}",
    "report-28391230-x2x4z": "report-{id}",
    "com.shop.Handler@1b2c3d": "com.shop.Handler@{id}",
    # SQL and keys with their values
    "SELECT * FROM items WHERE id = 5": "SELECT items",
    "SELECT * FROM items WHERE name = 'bob'": "SELECT items",
    "select a from shop.items where id in ($1, $2, $3)": "SELECT shop.items",
    'INSERT INTO "public"."items" (a) VALUES (17)': "INSERT public.items",
    "INSERT INTO items VALUES (?, ?), (?, ?)": "INSERT items",
    "UPDATE items SET a = 3 WHERE b = ?": "UPDATE items",
    "DELETE FROM `items` WHERE id = 17": "DELETE items",
    "SELECT a FROM items_2024 WHERE id = 17": "SELECT items_{id}",
    "WITH a AS (SELECT 1 FROM b) SELECT * FROM a": "SELECT b",
    "SET user:123 hello EX 60": "SET user:{id}",
    "MGET a:1 a:2 a:3": "MGET a:{id}",
}

THEMSELVES = """
GET /
GET /orders
GET /orders/{id}
GET /orders/{order_id}/items/{item_id}
GET /orders/:id
GET /orders/<int:id>
GET /api/v1/users
GET /api/v2beta1/users
POST /api/2.0/clusters
PUT /v1.24/containers/{id}
HTTP GET
HTTP GET 404
HTTP GET route_not_found
GET / HTTP/1.1
HTTP/2
HTTP/2 GET
CONNECT
OPTIONS *
grpc.health.v1.Health/Check
opentelemetry.proto.collector.trace.v1.TraceService/Export
google.pubsub.v1.Publisher/Publish
google.spanner.v1.Spanner/ExecuteStreamingSql
etcdserverpb.KV/Range
oteldemo.CartService/AddItem
/oteldemo.ProductCatalogService/GetProduct
hipstershop.CurrencyService/Convert
jaeger.api_v2.CollectorService/PostSpans
S3.PutObject
s3
ec2.DescribeInstances
EC2
DynamoDB.GetItem
SQS.SendMessage
AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition
CreateEC2SecurityGroupRuleV2
DescribeEC2SecurityInstancesV2
Route53
lambda.invoke
SELECT
SELECT 1
SELECT shop.items
SELECT name FROM items
SELECT name FROM items WHERE id = ?
SELECT name FROM items WHERE id = $1
INSERT INTO items (a, b) VALUES (?, ?)
INSERT items
UPDATE items SET a = ? WHERE b = ?
DELETE FROM items WHERE id = :id
CREATE TABLE items
BEGIN
COMMIT
pg-pool.connect
GET
HGETALL
PING
SET key
redis.GET
find orders
mongodb.aggregate
orders publish
orders process
orders receive
topic send
kafka.consume
dns.lookup
tcp.connect
tls.connect
middleware - jsonParser
middleware - expressInit
request handler - /
resolve user.name
graphql.execute
fs readFile
phase-2
phase-1000
phase_2
step 12
step-100
step_42
level-100
part-0001
upload-part-0001
uploadPart-1234
v1
v2
v-100
api-v2
utf-8
utf-8 decode
utf-16
UTF-16
utf8
sha-256
SHA-512
sha256
sha1
base64
md5
worker-1
worker-12
shard_07
t10
order8123
x509
ipv4
http2
oauth2
h264
k8s
i18n
l10n
Log4j2
log4j2.xml
Http2Client
Http2ToGrpc3Bridge
OrderServiceV2
retry 3 of 5
page 2/5
Order #17
12 items
Update order 5 set
resize 1024x768
com.shop.OrderService.placeOrder
com.shop.Handler$1.run
com.shop.Lambda$14.apply
OrdersController#show
UsersController::index
app\\Http\\Controllers\\Orders@show
orders@shop
__main__.work
/usr/bin/python3.11
index.html
mail to alice@example.com
caf\u00e9 \u0664\u0662
""".strip("\n").split("\n")


@pytest.mark.parametrize("name", SHAPES)
def test_ids_are_replaced(name: str) -> None:
    assert shape(name) == SHAPES[name]


@pytest.mark.parametrize("name", [*THEMSELVES, "", " ", "\n"])
def test_names_without_ids_are_their_own_shape(name: str) -> None:
    assert shape(name) == name


_WORDS = st.sampled_from("orders users cart item stock mail report billing invoice api v1 v2 s3 search".split())
_BASE62 = string.ascii_letters + string.digits
_LOWER = string.ascii_lowercase + string.digits
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SAFE = "bcdfghjklmnpqrstvwxz2456789"


def _drawn(alphabet: str, least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=least, max_size=most)


def _digits(text: str) -> int:
    return sum(one.isdigit() for one in text)


_HEX_RUNS = _drawn("0123456789abcdef", 8, 40).filter(
    lambda run: _digits(run) >= 2 and any(one.isalpha() for one in run)
)
IDS = {
    "uuid": st.uuids().map(str),
    "uuid in capitals": st.uuids().map(lambda one: str(one).upper()),
    "ulid": _drawn(_CROCKFORD, 24, 24).map(lambda rest: "01" + rest),
    "number": st.integers(100, 10**15).map(str),
    "hex": _HEX_RUNS,
    "long run": _drawn(_LOWER, 20, 40).filter(lambda run: _digits(run) >= 2),
    "mixed run": st.tuples(_drawn(string.ascii_lowercase, 3, 6), _drawn(string.digits, 1, 3)).map(
        lambda pair: f"{pair[0]}{pair[1]}x{pair[1]}{pair[0]}"
    ),
}
PLACES = ("GET /{}/%", "GET /{}/%/lines", "GET {}:%", "{}_%", "{}-%", "GET /{}?key=%", "process {}-%.json")


@pytest.mark.parametrize("kind", IDS)
@pytest.mark.parametrize("place", PLACES)
@unhurried
@given(data=st.data(), word=_WORDS.filter(lambda word: word not in ("v1", "v2")))
def test_names_with_one_kind_of_id_have_one_shape(kind: str, place: str, data: st.DataObject, word: str) -> None:
    pattern = place.format(word)
    ids = data.draw(st.lists(IDS[kind], min_size=2, max_size=5))
    assert {shape(pattern.replace("%", one)) for one in ids} == {pattern.replace("%", "{id}")}


@unhurried
@given(
    _WORDS,
    st.lists(st.tuples(_drawn("456789bcdf", 8, 10), _drawn(_SAFE, 5, 5)), min_size=2, max_size=5),
)
def test_pods_of_one_deployment_have_one_shape(word: str, pods: list[tuple[str, str]]) -> None:
    hashes = [pair for pair in pods if 0 < _digits(pair[0]) < len(pair[0])]
    assert {shape(f"start {word}-{replicas}-{pod}") for replicas, pod in hashes} <= {f"start {word}-{{id}}"}


@unhurried
@given(_WORDS, st.lists(st.one_of(st.integers(), st.text(string.ascii_letters + " ")), min_size=1))
def test_statements_with_any_values_have_one_shape(table: str, values: list[int | str]) -> None:
    listed = ", ".join(str(value) if isinstance(value, int) else f"'{value}'" for value in values)
    assert shape(f"SELECT name FROM {table} WHERE id IN ({listed})") == f"SELECT {table}"
    assert shape(f"INSERT INTO {table} (a) VALUES ({'), ('.join(listed.split(', '))})") == f"INSERT {table}"


_PIECES = st.one_of(
    *IDS.values(),
    _WORDS,
    st.sampled_from([*"/:=_-.@ ?{}()'\"", "{id}", "SELECT ", " FROM ", " IN (", "SET ", "step", "HTTP", "GET "]),
    st.text(max_size=4),
)


@unhurried
@given(st.one_of(st.text(), st.lists(_PIECES, max_size=9).map("".join)))
@example("SET a:1 b")
@example("SELECT a FROM b_123 WHERE c = 1")
def test_shape_of_a_shape_is_itself(name: str) -> None:
    assert shape(shape(name)) == shape(name)


@unhurried
@given(st.lists(st.text(string.ascii_letters, min_size=1), min_size=1), st.sampled_from("/._- :"))
def test_letters_only_are_no_ids(words: list[str], between: str) -> None:
    name = between.join(words)
    assert shape(name) == name


@unhurried
@given(st.lists(_PIECES, max_size=9).map("".join))
def test_only_ids_are_replaced(name: str) -> None:
    found = shape(name)
    if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|SET)\b", name) or "--" in name or len(name) > 1_000:
        return
    # the text between the placeholders occurs in the name, in the same order
    parts = map(re.escape, found.split("{id}"))
    assert re.fullmatch(".*".join(parts), name, re.DOTALL)


def test_is_random() -> None:
    assert [run for run in ("deadbeef", "1234567", "abcdef1", "12345678", "decade20", "ab12") if is_random(run)] == [
        "decade20"
    ]
    assert is_random("a" * 18 + "00")
    assert not is_random("a" * 19 + "0")
    assert is_random("ab1cd2ef")
    assert not is_random("ab1cd22")
    assert not is_random("Get2Orders2You")
    assert is_random(uuid.UUID(int=7 << 70 | 0xAB).hex)


def test_long_name_is_truncated() -> None:
    assert len(shape("a:1" * 10_000)) <= 20_000


@pytest.mark.parametrize(
    ("name", "route", "operation"),
    [
        ("/orders/17", "/orders/:id", "/orders/:id"),
        ("GET /orders/bob", "/orders/{name}", "GET /orders/{name}"),
        ("HTTP GET /orders/bob", "/orders/{name}", "HTTP GET /orders/{name}"),
        ("GET /", "/", "GET /"),
        ("GET /orders", "/", ""),
        ("GET /orders", "", ""),
        ("GET /orders", "OrdersController", ""),
        ("place order", "/orders", ""),
    ],
)
def test_route_replaces_a_raw_path(name: str, route: str, operation: str) -> None:
    assert routed(name, route) == operation


def test_raw_paths() -> None:
    raw = ("/", "/orders", "GET /orders/17", "HTTP GET /a")
    made = (
        "GET",
        "orders",
        "GET /orders/{id}",
        "/orders/<int:id>",
        "GET /orders/:id",
        "/a/*",
        "a b c /d",
        "SELECT a/b",
    )
    assert [is_raw_path(name) for name in (*raw, *made)] == [True] * len(raw) + [False] * len(made)


def test_names_that_may_be_shapes_of_others() -> None:
    assert may_be_shape("GET /orders/{id}")
    assert not may_be_shape("GET /orders")


@given(
    names=st.lists(
        st.text(st.sampled_from("ab/-_:@('\n7é\ud800"), max_size=12)
        | st.integers(LONGEST_NAME - 1, LONGEST_NAME + 1).map("n".__mul__)
    )
)
def test_shapes_of_many_names_are_those_of_each(names: list[str]) -> None:
    assert shapes(names) == [shape(name) for name in names]
