// A server on Node's http2 that says ok: a floor for `opsload http2`. Prints its port, ends with its input.
import http2 from "node:http2";

const server = http2.createServer({ settings: { maxConcurrentStreams: 2048 } });
server.on("stream", (stream, headers) => {
  stream.on("error", () => {});
  stream.respond({ ":status": 200 });
  if (headers[":path"] === "/hang") return;
  stream.end("ok\n");
});
server.on("sessionError", () => {});
server.listen(0, "127.0.0.1", 4096, () => process.stdout.write(`${server.address().port}\n`));
process.stdin.on("data", () => {});
process.stdin.on("end", () => process.exit(0));
