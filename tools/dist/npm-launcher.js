#!/usr/bin/env node
// Runs the podsec of this platform, which npm has installed beside this package.
"use strict";

const { spawnSync } = require("node:child_process");
const { constants } = require("node:os");

const platform = `${process.platform}-${process.arch}`;
let binary;
try {
  binary = require.resolve(`@podsec/${platform}/bin/podsec`);
} catch {
  console.error(
    `podsec: there is no package @podsec/${platform} beside this one: either podsec is not built for this platform, ` +
      "or npm was told to leave out optional dependencies",
  );
  process.exit(1);
}
const ended = spawnSync(binary, process.argv.slice(2), { stdio: "inherit" });
if (ended.error) {
  console.error(`podsec: ${ended.error.message}`);
  process.exit(1);
}
process.exit(ended.signal ? 128 + (constants.signals[ended.signal] ?? 0) : ended.status);
