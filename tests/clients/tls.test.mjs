// TLS as openssl and curl see it: versions, names, client certificates, exchange of
// certificates, resumption, the way from http to https.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import tls from "node:tls";
import { gatepass, portOf, startEcho, startGateway } from "./gateway.mjs";
import { until } from "./harness.mjs";

let application;
let gateway;

before(async () => {
  application = await startEcho();
  gateway = await startGateway((ports) => configuration(ports, "optional"));
});

after(async () => {
  await gateway?.stop();
  application?.closeAllConnections();
  application?.close();
});

/** One space that takes anybody; the second certificate is for shop.example.com. */
function configuration({ edge, admin, plain }, clientCertificates, crl = "") {
  const server = '{ chain = "tls/server.pem", key = "tls/server.key" }';
  return `
[edge]
listen = ["127.0.0.1:${edge}"]
redirect = ["127.0.0.1:${plain}"]
tls = { certificates = [${server}], hsts = "365d" }

[admin]
listen = "127.0.0.1:${admin}"
tls = { certificates = [${server}], client_ca = "tls/ca.pem", client_certificates = "${clientCertificates}"${crl} }
certificate_roles = [{ subject_cn = "QlikClient", role = "site-admin" }]

[[space]]
id = "1001"
upstream = ["http://127.0.0.1:${portOf(application)}"]
authn = ["anonymous"]
`;
}

/** Runs a program to its end; everything it said, and how it ended. */
function run(program, ...words) {
  return new Promise((resolve) => {
    const child = execFile(program, words, { encoding: "utf8", timeout: 30_000 }, (error, out, err) => {
      resolve({ code: error ? error.code ?? error.signal : 0, out, err });
    });
    child.stdin.end();
  });
}

const at = (gateway, name) => join(gateway.folder, "tls", name);
const curl = (gateway, ...words) => run("curl", "--silent", "--show-error", "--cacert", at(gateway, "ca.pem"), ...words);
const connect = (port, ...words) => run("openssl", "s_client", "-connect", `127.0.0.1:${port}`, ...words);
const certified = (gateway) => ["--cert", at(gateway, "client.pem"), "--key", at(gateway, "client.key")];

test("both ports speak TLS 1.2 and 1.3 and nothing older", async () => {
  for (const port of [gateway.ports.edge, gateway.ports.admin]) {
    for (const [flag, version] of [["-tls1_2", "TLSv1.2"], ["-tls1_3", "TLSv1.3"]]) {
      const { out } = await connect(port, flag, "-CAfile", at(gateway, "ca.pem"));
      assert.match(out, new RegExp(`New, ${version}`));
      assert.match(out, /Verify return code: 0 \(ok\)/);
    }
    const old = await connect(port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0");
    assert.notEqual(old.code, 0);
    assert.doesNotMatch(old.out, /New, TLSv1\.1/);
  }
});

test("both ports speak HTTP/2 and HTTP/1.1", async () => {
  for (const url of [`${gateway.edge}/x`, `${gateway.admin}/health/live`]) {
    for (const [flag, version] of [["--http2", "2"], ["--http1.1", "1.1"]]) {
      const { out, err } = await curl(gateway, flag, "-o", "/dev/null", "-w", "%{http_version} %{http_code}", url);
      assert.equal(out, `${version} 200`, err);
    }
  }
});

test("browsers are told to stay with https, and http leads there", async () => {
  const answer = await gateway.ask(`${gateway.edge}/x`);
  assert.match(answer.headers["strict-transport-security"], /^max-age=31536000/);
  assert.match(answer.cookies[0], /^__Host-gatepass=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  const { out } = await run("curl", "-s", "-i", `${gateway.plain}/a/b?c=d`);
  assert.match(out, /^HTTP\/1\.1 30[18] /);
  assert.match(out, new RegExp(`location: ${gateway.edge}/a/b\\?c=d\r\n`, "i"));
  assert.doesNotMatch(out, /strict-transport-security|set-cookie/i);
});

test("without a certificate the side port asks for a key, with one it does not", async () => {
  const spaces = `${gateway.admin}/api/v1/spaces`;
  const nobody = await curl(gateway, "-o", "/dev/null", "-w", "%{http_code}", spaces);
  assert.equal(nobody.out, "401", nobody.err);
  const somebody = await curl(gateway, ...certified(gateway), "-w", "%{http_code}", spaces);
  assert.match(somebody.out, /"1001".*200$/s, somebody.err);
  const pfx = await curl(gateway, "--cert-type", "P12", "--cert", `${at(gateway, "client.pfx")}:`, "-w", "%{http_code}", spaces);
  assert.match(pfx.out, /"1001".*200$/s, pfx.err);
});

test("a certificate of another authority is turned away, and the client is told why", async () => {
  gatepass(gateway.folder, "cert", "dev", "--out", "other");
  const other = (name) => join(gateway.folder, "other", name);
  const { code, err } = await curl(gateway, "--cert", other("client.pem"), "--key", other("client.key"), `${gateway.admin}/health/live`);
  assert.notEqual(code, 0);
  assert.match(err, /alert unknown ca|alert bad certificate|decrypt error/i);
  console.log(`certificate of another authority: ${err.trim()}`);
  await until("the log tells the reason", () => gateway.log.includes("no authority of `client_ca` has issued it"));
});

test("connections are resumed", async () => {
  const once = async (session) => {
    const socket = tls.connect({ host: "127.0.0.1", port: gateway.ports.edge, ca: gateway.ca, session });
    const ticket = new Promise((resolve) => socket.once("session", resolve));
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    const reused = socket.isSessionReused();
    socket.write("GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    socket.resume();
    const next = await ticket;
    socket.destroy();
    return [reused, next];
  };
  let [reused, session] = await once(undefined);
  assert.equal(reused, false);
  const rounds = 100;
  let resumed = 0;
  for (let round = 0; round < rounds; round += 1) {
    [reused, session] = await once(session);
    resumed += reused ? 1 : 0;
  }
  console.log(`${resumed} of ${rounds} reconnects were resumed`);
  assert.ok(resumed >= 99, `only ${resumed} of ${rounds} were resumed`);
});

test("exchanged certificates are shown to new connections, and open ones go on", async () => {
  const serial = async () => {
    const { out } = await connect(gateway.ports.edge);
    return execFileSync("openssl", ["x509", "-noout", "-serial"], { input: out, encoding: "utf8" }).trim();
  };
  const before = await serial();
  const socket = tls.connect({ host: "127.0.0.1", port: gateway.ports.edge, ca: gateway.ca });
  const say = async () => {
    socket.write("GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let text = "";
    while (!text.includes("\r\n\r\n") || !text.trimEnd().endsWith("}")) {
      const [piece] = await once(socket, "data");
      text += piece;
    }
    return text.slice(0, 15);
  };
  await once(socket, "secureConnect");
  assert.equal(await say(), "HTTP/1.1 200 OK");
  gatepass(gateway.folder, "cert", "dev", "--out", "tls", "--force");
  await until("new connections see the new certificate", async () => (await serial()) !== before);
  assert.equal(await say(), "HTTP/1.1 200 OK");
  socket.destroy();
});

test("a broken certificate file is refused and the old one stays", async () => {
  const chain = at(gateway, "server.pem");
  const [good, before] = [readFileSync(chain), gateway.log.length];
  writeFileSync(chain, "not a certificate\n");
  const line = await until("the log names the file", () => {
    const lines = gateway.log.slice(before).split("\n");
    return lines.find((one) => one.includes("tls/server.pem") && !one.includes("has changed"));
  });
  console.log(`broken certificate: ${line.trim()}`);
  const { out, err } = await curl(gateway, "-o", "/dev/null", "-w", "%{http_code}", `${gateway.edge}/x`);
  assert.equal(out, "200", err);
  writeFileSync(chain, good);
});

test("each name gets its certificate, and a request for another name is misdirected", async () => {
  const own = await startGateway((ports) => configuration(ports, "optional").replace(
    'certificates = [{ chain = "tls/server.pem", key = "tls/server.key" }], hsts',
    'certificates = [{ chain = "tls/server.pem", key = "tls/server.key" }, { chain = "shop/server.pem", key = "shop/server.key" }], hsts',
  ), (folder) => {
    mkdirSync(join(folder, "shop"));
    for (const name of ["ca.pem", "ca.key"]) copyFileSync(join(folder, "tls", name), join(folder, "shop", name));
    gatepass(folder, "cert", "dev", "--out", "shop", "--host", "shop.example.com");
  });
  try {
    const shop = `https://shop.example.com:${own.ports.edge}`;
    const there = ["--connect-to", `shop.example.com:${own.ports.edge}:127.0.0.1:${own.ports.edge}`];
    for (const protocol of ["--http1.1", "--http2"]) {
      const right = await curl(own, protocol, ...there, "-o", "/dev/null", "-w", "%{http_code}", `${shop}/x`);
      assert.equal(right.out, "200", right.err);
    }
    const { out } = await connect(own.ports.edge, "-servername", "SHOP.example.com");
    const text = execFileSync("openssl", ["x509", "-noout", "-ext", "subjectAltName"], { input: out, encoding: "utf8" });
    assert.match(text, /shop\.example\.com/);
    const wrong = await curl(own, ...there, "-H", "Host: other.example.com", "--http1.1", "-o", "/dev/null", "-w", "%{http_code}", `${shop}/x`);
    assert.equal(wrong.out, "421", wrong.err);
  } finally {
    await own.stop();
  }
});

test("a required certificate is required, and a revoked one is worth nothing", async () => {
  const own = await startGateway(
    (ports) => configuration(ports, "required", ', client_crl = ["tls/crl.pem"]'),
    (folder) => writeFileSync(join(folder, "tls", "crl.pem"), revocationList(folder, [])),
  );
  try {
    const live = `${own.admin}/health/live`;
    const without = await curl(own, live);
    assert.notEqual(without.code, 0);
    assert.match(without.err, /certificate required|alert/i);
    console.log(`no certificate: ${without.err.trim()}`);
    const valid = await curl(own, ...certified(own), "-o", "/dev/null", "-w", "%{http_code}", live);
    assert.equal(valid.out, "200", valid.err);
    writeFileSync(at(own, "crl.pem"), revocationList(own.folder, [at(own, "client.pem")]));
    const refused = await until("the revoked certificate is turned away", async () => {
      const answer = await curl(own, ...certified(own), live);
      return answer.code !== 0 && answer;
    });
    assert.match(refused.err, /revoked/i);
    console.log(`revoked certificate: ${refused.err.trim()}`);
  } finally {
    await own.stop();
  }
});

/** A list of the revoked certificates, signed by the folder's authority as openssl does it. */
function revocationList(folder, revoked) {
  const home = join(folder, "authority");
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "index.txt"), "");
  writeFileSync(join(home, "crlnumber"), "01\n");
  writeFileSync(join(home, "openssl.cnf"), `
[ca]
default_ca = dev
[dev]
database = ${home}/index.txt
crlnumber = ${home}/crlnumber
certificate = ${folder}/tls/ca.pem
private_key = ${folder}/tls/ca.key
default_md = sha256
default_crl_days = 7
`);
  const authority = (...words) => execFileSync("openssl", ["ca", "-config", join(home, "openssl.cnf"), ...words], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  for (const certificate of revoked) authority("-revoke", certificate);
  return authority("-gencrl");
}
