"""One file per topic: plain functions Host -> typed value, parsed as the consumer parses."""
