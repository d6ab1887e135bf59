// The API's description, by Swagger UI. A key that the page was given is sent along with what is tried here.

SwaggerUIBundle({
  url: '/openapi.json',
  domNode: document.querySelector('#swagger'),
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: -1,
  presets: [SwaggerUIBundle.presets.apis],
  requestInterceptor: (request) => {
    const key = sessionStorage.getItem('iturri.key');
    if (key && !request.headers.Authorization) request.headers.Authorization = `Bearer ${key}`;
    return request;
  },
});
