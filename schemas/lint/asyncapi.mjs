// Reads AsyncAPI documents with the official parser, and prints what it has to say about them.
import { readFileSync } from "node:fs";
import { DiagnosticSeverity, Parser } from "@asyncapi/parser";

let found = 0;
for (const path of process.argv.slice(2)) {
  const { document, diagnostics } = await new Parser().parse(readFileSync(path, "utf8"), { source: path });
  for (const { severity, code, path: where, message } of diagnostics) {
    // Hints such as "there is a newer version of AsyncAPI" are no findings.
    if (severity > DiagnosticSeverity.Warning) continue;
    console.log(`${path}: ${where.join("/")}: ${message} (${code})`);
    found += 1;
  }
  if (!document && !found) throw new Error(`${path}: not read`);
}
process.exit(found ? 1 : 0);
