//! Headers that a space sets on all its responses.

use super::{SPACE, check, load};

#[test]
fn headers_of_responses() {
    let text =
        format!("{SPACE}[space.response_headers]\nX-Frame-Options = \"DENY\"\nServer = \" \"\n");
    let headers = &load(&text, &[]).options.spaces[0].response_headers;
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    assert_eq!(headers, [("server", ""), ("x-frame-options", "DENY")]);
}

#[test]
fn s05_not_every_header_may_be_on_all_responses() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
identity_headers = ["custom"]
custom_headers = { X-Account = "{user_id}" }
[space.response_headers]
Connection = "close"
Content-Length = "1"
Remote-User = "root"
Set-Cookie = "a=b"
X-Account = "x"
X-Bad = "ä"
x-twice = "1"
X-Twice = "2"
"##,
        r##"
error: bad value for `space.1001.response_headers.Connection`
 --> $DIR/gatepass.toml:8:14
  |
8 | Connection = "close"
  |              ^^^^^^^ response header `connection` belongs to the connection
  |
  = note: allowed: a header that may be the same on all responses, such as `X-Frame-Options`; none of the connection's, of the cookies, or of those that tell upstreams who the user is

error: bad value for `space.1001.response_headers.Content-Length`
 --> $DIR/gatepass.toml:9:18
  |
9 | Content-Length = "1"
  |                  ^^^ response header `content-length` belongs to one response
  |
  = note: allowed: a header that may be the same on all responses, such as `X-Frame-Options`; none of the connection's, of the cookies, or of those that tell upstreams who the user is

error: bad value for `space.1001.response_headers.Remote-User`
  --> $DIR/gatepass.toml:10:15
   |
10 | Remote-User = "root"
   |               ^^^^^^ response header `remote-user` tells who the user is, and never reaches a client
   |
   = note: allowed: a header that may be the same on all responses, such as `X-Frame-Options`; none of the connection's, of the cookies, or of those that tell upstreams who the user is

error: bad value for `space.1001.response_headers.Set-Cookie`
  --> $DIR/gatepass.toml:11:14
   |
11 | Set-Cookie = "a=b"
   |              ^^^^^ response header `set-cookie` is for one client
   |
   = note: allowed: a header that may be the same on all responses, such as `X-Frame-Options`; none of the connection's, of the cookies, or of those that tell upstreams who the user is

error: conflict at `space.1001.response_headers.X-Account`
  --> $DIR/gatepass.toml:12:13
   |
12 | X-Account = "x"
   |             ^^^ it tells the upstream who the user is, and never reaches a client
   |
   = note: allowed: a header that is not in `custom_headers`

error: bad value for `space.1001.response_headers.X-Bad`
  --> $DIR/gatepass.toml:13:9
   |
13 | X-Bad = "ä"
   |         ^^^ `ä` has other characters
   |
   = note: allowed: visible ASCII characters, blanks between them; or nothing, which takes the header off the upstream's responses

error: conflict at `space.1001.response_headers.x-twice`
  --> $DIR/gatepass.toml:14:11
   |
14 | x-twice = "1"
   |           ^^^ it is there twice, in another case
   |
   = note: allowed: each header once
"##,
    );
}
