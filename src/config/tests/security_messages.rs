//! What an insecure configuration is answered with, to the letter (S04, S24, S31, S41).

use super::check;

#[test]
fn s41_an_unknown_key() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
[space.session]
idle_timout = "30m"
"##,
        r##"
error: unknown key `space.1001.session.idle_timout`
 --> $DIR/gatepass.toml:6:1
  |
6 | idle_timout = "30m"
  | ^^^^^^^^^^^ there is no such option here
  |
  = help: did you mean `idle_timeout`?
  = note: allowed: `idle_timeout`, `absolute_timeout`, `max_per_user`, `on_limit`
"##,
    );
}

#[test]
fn s41_an_unreadable_file() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["local"]
[space.local]
users = "users.toml"
"##,
        r##"
error: bad value for `space.1001.local.users`
 --> $DIR/gatepass.toml:6:9
  |
6 | users = "users.toml"
  |         ^^^^^^^^^^^^ cannot read `$DIR/users.toml`: No such file or directory (os error 2)
  |
  = note: allowed: the path of a users file (`gatepass user add` writes one), from the folder of this file
"##,
    );
}

#[test]
fn s41_an_unused_option() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
[space.header]
name = "hdr-usr"
"##,
        r##"
error: unused option `space.1001.header`
 --> $DIR/gatepass.toml:5:8
  |
5 | [space.header]
  |        ^^^^^^ `authn` does not list `header`
  |
  = note: allowed: this together with `"header"` in `space.1001.authn`
"##,
    );
}

#[test]
fn s41_a_bad_value() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
[space.cookie]
same_site = "loose"
"##,
        r##"
error: bad value for `space.1001.cookie.same_site`
 --> $DIR/gatepass.toml:6:13
  |
6 | same_site = "loose"
  |             ^^^^^^^ found `loose`
  |
  = note: allowed: `lax`, `strict`, `none`, `unset`
"##,
    );
}

#[test]
fn s41_a_method_without_its_table() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["jwt", "anonymous"]
"##,
        r##"
error: missing option `space.1001.jwt`
 --> $DIR/gatepass.toml:1:1
  |
1 | [[space]]
  | ^^^^^^^^^ it is not here
  |
  = note: allowed: a table `[space.jwt]`, as `authn` lists `jwt`
"##,
    );
}

#[test]
fn s41_a_method_of_a_later_version() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["oidc"]
"##,
        r##"
error: bad value for `space.1001.authn.0`
 --> $DIR/gatepass.toml:4:10
  |
4 | authn = ["oidc"]
  |          ^^^^^^ `oidc` is not available in this version
  |
  = note: allowed: `jwt`, `header`, `certificate`, `ticket`, `local`, `anonymous`
"##,
    );
}

#[test]
fn s41_no_method_at_all() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = []
"##,
        r##"
error: bad value for `space.1001.authn`
 --> $DIR/gatepass.toml:4:9
  |
4 | authn = []
  |         ^^ it is empty
  |
  = note: allowed: at least one of: `jwt`, `header`, `certificate`, `ticket`, `local`, `anonymous`, in the order they are tried
"##,
    );
}

#[test]
fn s41_a_key_of_the_wrong_kind() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["jwt"]
[space.jwt]
issuer = "https://login.example.com"
audience = "sales"
jwks_url = "https://login.example.com/jwks"
algorithms = "RS256"
"##,
        r##"
error: bad value for `space.1001.jwt.algorithms`
 --> $DIR/gatepass.toml:9:14
  |
9 | algorithms = "RS256"
  |              ^^^^^^^ found `RS256`
  |
  = note: allowed: a list
"##,
    );
}

#[test]
fn s41_keys_from_two_places() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["jwt"]
[space.jwt]
issuer = "https://login.example.com"
audience = "sales"
jwks_url = "https://login.example.com/jwks"
key_file = "key.pem"
"##,
        r##"
error: conflict at `space.1001.jwt`
 --> $DIR/gatepass.toml:5:1
  |
5 | [space.jwt]
  | ^^^^^^^^^^^ the keys come from more than one place
  |
  = note: allowed: one of `jwks_url`, `jwks_file`, `key_file`, `secret_file`
"##,
    );
}

#[test]
fn s24_an_algorithm_of_the_wrong_family() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["jwt"]
[space.jwt]
issuer = "https://login.example.com"
audience = "sales"
jwks_url = "https://login.example.com/jwks"
algorithms = ["RS256", "HS256"]
"##,
        r##"
error: bad value for `space.1001.jwt.algorithms.1`
 --> $DIR/gatepass.toml:9:24
  |
9 | algorithms = ["RS256", "HS256"]
  |                        ^^^^^^^ it goes with a secret only, and the keys are public ones
  |
  = note: allowed: RS, PS, ES and EdDSA
"##,
    );
}

#[test]
fn s24_keys_over_plain_http() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["jwt"]
[space.jwt]
issuer = "https://login.example.com"
audience = "sales"
jwks_url = "http://login.example.com/jwks"
"##,
        r##"
error: bad value for `space.1001.jwt.jwks_url`
 --> $DIR/gatepass.toml:8:12
  |
8 | jwks_url = "http://login.example.com/jwks"
  |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ found `http://login.example.com/jwks`
  |
  = note: allowed: an https URL; http on this machine only
"##,
    );
}

#[test]
fn s04_everybody_is_no_trusted_peer() {
    check(
        r##"[edge]
trusted_proxies = ["10.0.0.0/8", "0.0.0.0/0", "::/0"]
[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["header"]
[space.header]
name = "hdr-usr"
directory = "LAB"
trusted = ["0.0.0.0/0"]
"##,
        r##"
error: bad value for `edge.trusted_proxies.1`
 --> $DIR/gatepass.toml:2:34
  |
2 | trusted_proxies = ["10.0.0.0/8", "0.0.0.0/0", "::/0"]
  |                                  ^^^^^^^^^^^ `0.0.0.0/0` trusts everybody
  |
  = note: allowed: an IP address or a network, such as `10.0.0.0/8`

error: bad value for `edge.trusted_proxies.2`
 --> $DIR/gatepass.toml:2:47
  |
2 | trusted_proxies = ["10.0.0.0/8", "0.0.0.0/0", "::/0"]
  |                                               ^^^^^^ `::/0` trusts everybody
  |
  = note: allowed: an IP address or a network, such as `10.0.0.0/8`

error: bad value for `space.1001.header.trusted.0`
  --> $DIR/gatepass.toml:10:12
   |
10 | trusted = ["0.0.0.0/0"]
   |            ^^^^^^^^^^^ `0.0.0.0/0` trusts everybody
   |
   = note: allowed: an IP address or a network, such as `10.0.0.0/8`
"##,
    );
}

#[test]
fn s31_an_open_side_port() {
    check(
        r##"[admin]
listen = "0.0.0.0:8081"
[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
"##,
        r##"
error: conflict at `admin.listen`
 --> $DIR/gatepass.toml:2:10
  |
2 | listen = "0.0.0.0:8081"
  |          ^^^^^^^^^^^^^^ other machines reach this address, and keys would cross the network unprotected
  |
  = note: allowed: a loopback address, such as `127.0.0.1:8081`; or any address together with a table `admin.tls`, or with `allow_plain_http = true`
"##,
    );
}
