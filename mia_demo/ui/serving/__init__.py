"""How the page is served: patiently, to whom it belongs, with the headers that a browser heeds."""
