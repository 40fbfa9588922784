"""What a proof is on disk: its writers, and checkers, which import nothing of ours."""

from exactdropout.certificate.phases_writer import phases_document, write_phases_certificate
from exactdropout.certificate.writer import document, write_certificate, write_every_width_certificate

__all__ = [
    "document",
    "phases_document",
    "write_certificate",
    "write_every_width_certificate",
    "write_phases_certificate",
]
