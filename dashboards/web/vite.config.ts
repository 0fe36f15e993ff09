import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const api = process.env.LENTERA_URL ?? "http://127.0.0.1:8790";

/** The pages of `/api/docs`, from here rather than from a network that may not be there. */
function apiDocs(): Plugin {
  const { resolve } = createRequire(import.meta.url);
  return {
    name: "api-docs",
    generateBundle() {
      for (const file of ["swagger-ui.css", "swagger-ui-bundle.js"]) {
        const source = readFileSync(resolve(`swagger-ui-dist/${file}`));
        this.emitFile({ type: "asset", fileName: `api-docs/${file}`, source });
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), apiDocs()],
  server: {
    host: "127.0.0.1",
    proxy: { "/api": { target: api }, "/login": { target: api } },
  },
  worker: { format: "es" },
  build: { target: "es2023", chunkSizeWarningLimit: 1200 },
  test: {
    // Each file in a context of its own as in other pools, in two thirds of their time.
    pool: "vmThreads",
    // Long enough for a machine that is busy with other work.
    testTimeout: 60_000,
    projects: [
      { extends: true, test: { name: "logic", include: ["src/**/*.test.ts"], environment: "node" } },
      {
        extends: true,
        test: {
          // Long enough for a machine that is busy with other work.
          testTimeout: 60_000,
          name: "screen",
          include: ["src/**/*.test.tsx"],
          environment: "jsdom",
          setupFiles: ["src/testing/browser.ts"],
        },
      },
    ],
  },
});
