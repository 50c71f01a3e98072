"""Programs onto real boards: what an image says of itself, the tools that write it, what to do when nobody answers."""
