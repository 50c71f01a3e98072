"""The extension that cffi builds (build_codec.py); its functions are those of codec.h and batch.h."""

from typing import Any

ffi: Any
lib: Any
