"""HTTP as every feature meets it: routes, parameters, errors, headers, pages."""
