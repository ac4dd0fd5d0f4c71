"""The bundled create/start runner behind the gate."""
