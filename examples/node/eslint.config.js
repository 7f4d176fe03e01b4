import js from "@eslint/js";

// What Node itself provides, as far as the service uses it.
const globals = { console: "readonly", fetch: "readonly", process: "readonly", setTimeout: "readonly" };

export default [js.configs.recommended, { languageOptions: { globals } }];
