"""Tests in operators' language: a keyword library for Robot Framework, and suites that use it on any target."""
