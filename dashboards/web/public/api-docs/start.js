// Kept apart from the page, which may run no script of its own.
window.SwaggerUIBundle({ url: "/api/openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null });
