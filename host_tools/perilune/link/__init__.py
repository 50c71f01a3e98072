"""The space link seen from the ground: FOP-1, frames up, frames down, the gateway. Protocol files here do no I/O."""
