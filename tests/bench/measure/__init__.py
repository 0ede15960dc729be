"""What is measured, one module each: a whole session of a page, the wire, and memory. One call is one sample."""
