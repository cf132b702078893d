"""How the page is served: start-up, request guards, security headers, uploads."""
