# Frozen into the `dev` image.
freeze("dev_boot", "_boot.py")
