"""The main job from end to end: an emulated board, the Moon around it, an operator's evening, a fault, a verdict."""
