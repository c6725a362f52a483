// Starts Swagger UI. A session's requests that change something need the token of the last answer.
"use strict";

const HEADER = "X-Harbor-CSRF-Token";
let token = "";

SwaggerUIBundle({
  url: document.getElementById("explorer").dataset.document,
  dom_id: "#explorer",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    if (token) request.headers[HEADER] = token;
    return request;
  },
  responseInterceptor: (response) => {
    token = response.headers[HEADER.toLowerCase()] || token;
    return response;
  },
});
