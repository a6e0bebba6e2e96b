//! What a wrong configuration is answered with, to the letter.

use super::check;

#[test]
fn a_store_that_there_is_not() {
    check(
        r##"[store]
kind = "sqlite"
[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
"##,
        r##"
error: bad value for `store.kind`
 --> $DIR/gatepass.toml:2:8
  |
2 | kind = "sqlite"
  |        ^^^^^^^^ found `sqlite`
  |
  = note: allowed: `file`, `memory`, `redis`
"##,
    );
}

#[test]
fn a_file_for_a_store_that_has_none() {
    check(
        r##"[store]
kind = "memory"
path = "x.redb"
[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
"##,
        r##"
error: unused option `store.path`
 --> $DIR/gatepass.toml:3:1
  |
3 | path = "x.redb"
  | ^^^^ sessions in memory are written nowhere
  |
  = note: allowed: together with `kind = "file"`
"##,
    );
}

#[test]
fn a_flush_that_is_too_rare() {
    check(
        r##"[store]
flush_interval = "1h"
[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
"##,
        r##"
error: bad value for `store.flush_interval`
 --> $DIR/gatepass.toml:2:18
  |
2 | flush_interval = "1h"
  |                  ^^^^ found `1h`
  |
  = note: allowed: `100ms` to `10m`
"##,
    );
}

#[test]
fn authorities_for_no_upstream() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
upstream_tls = { ca = "key.pem" }
"##,
        r##"
error: unused option `space.1001.upstream_tls.ca`
 --> $DIR/gatepass.toml:5:18
  |
5 | upstream_tls = { ca = "key.pem" }
  |                  ^^ no upstream is reached over TLS
  |
  = note: allowed: this together with an upstream such as `https://127.0.0.1:3443`
"##,
    );
}

#[test]
fn no_space() {
    check(
        r##"[edge]
listen = ["127.0.0.1:8080"]
"##,
        r##"
error: missing option `space`
--> $DIR/gatepass.toml
 = note: it is not here
 = note: allowed: at least one table `[[space]]`
"##,
    );
}

#[test]
fn two_spaces_on_one_place() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]

[[space]]
id = "1002"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
"##,
        r##"
error: conflict at `space.1002`
 --> $DIR/gatepass.toml:6:1
  |
6 | [[space]]
  | ^^^^^^^^^ space `1001` answers to the same host and prefix
  |
  = note: allowed: a pair of `hosts` and `prefix` that no other space has
"##,
    );
}

#[test]
fn two_spaces_with_one_cookie() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
prefix = "/a/b"

[[space]]
id = "1002"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
prefix = "/a-b"
"##,
        r##"
error: conflict at `space.1002.cookie.name`
 --> $DIR/gatepass.toml:7:1
  |
7 | [[space]]
  | ^^^^^^^^^ space `1001` has the cookie `gatepass-a-b` on the same host
  |
  = note: allowed: a name that no other space on the host or domain has
"##,
    );
}

#[test]
fn the_same_space_twice() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]

[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
"##,
        r##"
error: conflict at `space.1001.id`
 --> $DIR/gatepass.toml:7:6
  |
7 | id = "1001"
  |      ^^^^^^ there is a space `1001` already
  |
  = note: allowed: each id once
"##,
    );
}

#[test]
fn a_rule_that_is_no_rule() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
[[space.access]]
path = "admin/**"
require = { attribute = "group" }
[[space.access]]
path = "/admin/["
require = { signed_in = true }
"##,
        r##"
error: bad value for `space.1001.access.0.path`
 --> $DIR/gatepass.toml:6:8
  |
6 | path = "admin/**"
  |        ^^^^^^^^^^ path pattern `admin/**`: it does not start with a slash
  |
  = note: allowed: a path with `*` for a part of a segment and `**` for any segments, such as `/admin/**`

error: bad value for `space.1001.access.0.require`
 --> $DIR/gatepass.toml:7:11
  |
7 | require = { attribute = "group" }
  |           ^^^^^^^^^^^^^^^^^^^^^^^ it asks for nothing, or for two things at once
  |
  = note: allowed: `{ attribute = "group", any_of = ["admins"] }` or `{ signed_in = true }`

error: bad value for `space.1001.access.1.path`
 --> $DIR/gatepass.toml:9:8
  |
9 | path = "/admin/["
  |        ^^^^^^^^^^ path pattern `/admin/[`: unclosed character class; missing ']'
  |
  = note: allowed: a path with `*` for a part of a segment and `**` for any segments, such as `/admin/**`
"##,
    );
}

#[test]
fn headers_that_are_not_for_taking() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
identity_headers = ["custom"]
[space.custom_headers]
Connection = "{user_id}"
X-User = "{user}"
"##,
        r##"
error: bad value for `space.1001.custom_headers.Connection`
 --> $DIR/gatepass.toml:7:14
  |
7 | Connection = "{user_id}"
  |              ^^^^^^^^^^^ `Connection` has a meaning of its own
  |
  = note: allowed: a header of your own, such as `X-User`; none of the connection's, of the forwarded headers or of the cookies

error: bad value for `space.1001.custom_headers.X-User`
 --> $DIR/gatepass.toml:8:10
  |
8 | X-User = "{user}"
  |          ^^^^^^^^ `{user}` is not known
  |
  = note: allowed: text with at least one of `{user_directory}`, `{user_id}`, `{user_name}`, `{email}`, `{session_id}`, `{space}`, `{attribute:NAME}` in it
"##,
    );
}

#[test]
fn limits_out_of_range() {
    check(
        r##"[edge]
workers = 0
[edge.limits]
header_lines = -5
[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
[space.session]
idle_timeout = "13h"
on_limit = "refuse"
"##,
        r##"
error: bad value for `edge.workers`
 --> $DIR/gatepass.toml:2:11
  |
2 | workers = 0
  |           ^ found `0`
  |
  = note: allowed: 1 to 1024

error: bad value for `edge.limits.header_lines`
 --> $DIR/gatepass.toml:4:16
  |
4 | header_lines = -5
  |                ^^ found `-5`
  |
  = note: allowed: a whole number

error: conflict at `space.1001.session.idle_timeout`
  --> $DIR/gatepass.toml:10:16
   |
10 | idle_timeout = "13h"
   |                ^^^^^ it is longer than `absolute_timeout`, which ends the session before
   |
   = note: allowed: at most `absolute_timeout` (12h by default)

error: unused option `space.1001.session.on_limit`
  --> $DIR/gatepass.toml:11:1
   |
11 | on_limit = "refuse"
   | ^^^^^^^^ there is no limit without `max_per_user`
   |
   = note: allowed: this together with `max_per_user`
"##,
    );
}

#[test]
fn seats_that_limit_nothing() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
[[space.classify]]
license = "pro"
[[space.license]]
name = "pro"
seats = 0
[[space.license]]
name = "pro"
seats = 5
on_limit = "end-newest"
[[space.license]]
name = "pro"
seats = 6
[[space.license]]
name = "por"
seats = 7
[[space.license]]
"##,
        r##"
error: bad value for `space.1001.license.0.seats`
 --> $DIR/gatepass.toml:9:9
  |
9 | seats = 0
  |         ^ found `0`
  |
  = note: allowed: 1 to 1000000

error: bad value for `space.1001.license.1.on_limit`
  --> $DIR/gatepass.toml:13:12
   |
13 | on_limit = "end-newest"
   |            ^^^^^^^^^^^^ found `end-newest`
   |
   = note: allowed: `refuse`, `end-oldest`

error: conflict at `space.1001.license.2.name`
  --> $DIR/gatepass.toml:15:8
   |
15 | name = "pro"
   |        ^^^^^ this license has its seats already
   |
   = note: allowed: each license once

error: bad value for `space.1001.license.3.name`
  --> $DIR/gatepass.toml:18:8
   |
18 | name = "por"
   |        ^^^^^ no session gets this license
   |
   = note: allowed: the name of a license that a rule in `classify` gives

error: missing option `space.1001.license.4.name`
  --> $DIR/gatepass.toml:20:1
   |
20 | [[space.license]]
   | ^^^^^^^^^^^^^^^^^ it is not here
   |
   = note: allowed: the name of a license that a rule in `classify` gives

error: missing option `space.1001.license.4.seats`
  --> $DIR/gatepass.toml:20:1
   |
20 | [[space.license]]
   | ^^^^^^^^^^^^^^^^^ it is not here
   |
   = note: allowed: 1 to 1000000
"##,
    );
}

#[test]
fn text_that_is_no_toml() {
    check(
        r##"[edge]
listen = ["127.0.0.1:8080"
"##,
        r##"
error: the file is not TOML
 --> $DIR/gatepass.toml:2:27
  |
2 | listen = ["127.0.0.1:8080"
  |                           ^ unclosed array, expected `]`
"##,
    );
}

#[test]
fn many_things_at_once() {
    check(
        r##"[edge]
listen = ["localhost:8080"]
[edge.timeouts]
drain = 30
keep_alive = "30"
[log]
level = "inof"
[[space]]
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
colour = "red"
"##,
        r##"
error: bad value for `edge.listen.0`
 --> $DIR/gatepass.toml:2:11
  |
2 | listen = ["localhost:8080"]
  |           ^^^^^^^^^^^^^^^^ found `localhost:8080`: invalid socket address syntax
  |
  = note: allowed: an IP address and a port, such as `127.0.0.1:8080` or `[::]:8080`

error: bad value for `edge.timeouts.drain`
 --> $DIR/gatepass.toml:4:9
  |
4 | drain = 30
  |         ^^ found `30`
  |
  = note: allowed: a text in quotes

error: bad value for `edge.timeouts.keep_alive`
 --> $DIR/gatepass.toml:5:14
  |
5 | keep_alive = "30"
  |              ^^^^ found `30`: it has no unit
  |
  = note: allowed: numbers with the units d, h, m, s, ms, as in `30m`, `1h30m` or `500ms`

error: bad value for `log.level`
 --> $DIR/gatepass.toml:7:9
  |
7 | level = "inof"
  |         ^^^^^^ `inof` is not a level
  |
  = note: allowed: `off`, `error`, `warn`, `info`, `debug`, `trace`, and `module=level` beside it, separated by commas

error: missing option `space.0.id`
 --> $DIR/gatepass.toml:8:1
  |
8 | [[space]]
  | ^^^^^^^^^ it is not here
  |
  = note: allowed: 1 to 64 of the characters A-Z a-z 0-9 . _ ~ -, such as `1001`

error: unknown key `space.0.colour`
  --> $DIR/gatepass.toml:11:1
   |
11 | colour = "red"
   | ^^^^^^ there is no such option here
   |
   = note: allowed: `id`, `name`, `hosts`, `prefix`, `upstream`, `upstream_tls`, `strip_prefix`, `preserve_host`, `authn`, `anonymous`, `identity_headers`, `redirect_hosts`, `assertion`, `custom_headers`, `response_headers`, `session`, `cookie`, `jwt`, `header`, `certificate`, `ticket`, `local`, `qlik`, `websocket`, `access`, `classify`, `license`, `timeouts`, `pool`
"##,
    );
}
