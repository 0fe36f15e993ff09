import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const api = process.env.LENTERA_URL ?? "http://127.0.0.1:8790";

export default defineConfig({
  plugins: [react()],
  server: {
    host: "127.0.0.1",
    proxy: { "/api": { target: api }, "/login": { target: api } },
  },
  worker: { format: "es" },
  build: { target: "es2023", chunkSizeWarningLimit: 1200 },
  test: { include: ["src/**/*.test.{ts,tsx}"], environment: "node" },
});
