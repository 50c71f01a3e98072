"""Applications: each a small folder with a class made from app/base.py."""
