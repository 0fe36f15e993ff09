/** `npm run generate`: the shapes of the API, from the server's own description of them, as TypeScript. */
import { readFile, writeFile } from "node:fs/promises";
import { compile } from "json-schema-to-typescript";

/** @typedef {Record<string, unknown>} Schema */

const FOLDER = new URL("../src/api/generated/", import.meta.url);
const BANNER =
  "/** Written by `make generate` from openapi.json: change the server's shapes, not this file. */";
/** What the compiler says of every type, though nothing refers to it, and the root that is not a type. */
const NOISE =
  /\n \*\n \* This interface was referenced by `Shapes`'s JSON-Schema\n \* via the `definition` "\w+"\./g;
const ROOT = /export interface Shapes \{\}\n/;

/**
 * The same in the words of JSON Schema draft 4, which the compiler reads: tuples as `items`, no lengths of lists,
 * and no titles of fields, which would become types of their own.
 * @param {unknown} value
 * @returns {unknown}
 */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const schema = /** @type {Schema} */ (value);
  if (typeof schema.$ref === "string") {
    return { $ref: schema.$ref.replace("#/components/schemas/", "#/definitions/") };
  }
  const { prefixItems, minItems, maxItems, ...rest } = schema;
  if (typeof rest.title === "string") delete rest.title;
  if (!Array.isArray(prefixItems)) {
    return Object.fromEntries(Object.entries(rest).map(([key, inner]) => [key, plain(inner)]));
  }
  return { type: "array", items: prefixItems.map(plain), additionalItems: false, minItems, maxItems };
}

const openapi = JSON.parse(await readFile(new URL("openapi.json", FOLDER), "utf8"));
const shapes = { definitions: plain(openapi.components.schemas), additionalProperties: false };
const source = await compile(/** @type {object} */ (shapes), "Shapes", {
  additionalProperties: false,
  bannerComment: BANNER,
  style: { printWidth: 110 },
  unreachableDefinitions: true,
});
await writeFile(new URL("schema.ts", FOLDER), source.replace(NOISE, "").replace(ROOT, ""));
