"""What a proof is on disk: its writer, and ``checker.py``, which imports nothing of ours."""

from exactdropout.certificate.writer import document, write_certificate

__all__ = ["document", "write_certificate"]
