import type { Plugin } from "vite";
import { defineConfig } from "vite";

const HEADING =
  "<!-- Built by `make generate` from dashboards/web/status.html: change the sources, not this file. -->";

/**
 * One file with its script and its styles in it: a gateway has no Node and serves nothing beside this page. The tags
 * carry no attributes, so that `edge/status/server.py` finds them for its content security policy.
 */
function inlined(): Plugin {
  return {
    name: "inlined",
    enforce: "post",
    generateBundle(_options, bundle) {
      const page = bundle["status.html"];
      if (page?.type !== "asset") throw new Error("status.html is not in the bundle");
      const files = Object.values(bundle);
      const script = files.flatMap((file) => (file.type === "chunk" ? [file.code] : [])).join("");
      const style = files
        .flatMap((file) => (file.type === "asset" && file.fileName.endsWith(".css") ? [file.source] : []))
        .join("")
        .replace("/*$vite$:1*/", "");
      for (const name of Object.keys(bundle)) if (name !== "status.html") delete bundle[name];
      page.source = String(page.source)
        .replace(/\s*<(script|link)[^>]*(src|rel="stylesheet")=?[^>]*>(<\/script>)?/g, "")
        .replace("<!doctype html>", () => `<!doctype html>\n${HEADING}`)
        .replace("</head>", () => `<style>${style.trim()}</style>\n</head>`)
        .replace("</body>", () => `<script>${script.trim()}</script>\n</body>`)
        .replace(/\n\s+/g, "\n");
      page.fileName = "page.html";
    },
  };
}

export default defineConfig({
  plugins: [inlined()],
  build: {
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    cssCodeSplit: false,
    outDir: "../../edge/status",
    emptyOutDir: false,
    copyPublicDir: false,
    modulePreload: false,
    rolldownOptions: { input: "status.html", output: { format: "iife" } },
  },
});
