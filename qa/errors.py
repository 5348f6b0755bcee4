"""What can go wrong, drawn as one tree; each class holds its row of the table of exit codes and HTTP statuses.

```
ClinicQAError                 internal                exit 70  HTTP 500
├── InvalidRequest            invalid_request         exit  2  HTTP 422
│   ├── InvalidQuestion       invalid_question        exit  2  HTTP 422
│   ├── UnknownAudience       unknown_audience        exit  2  HTTP 422
│   ├── InvalidSetting        invalid_setting         exit  2  HTTP 500
│   ├── MalformedBody         malformed_body          exit  2  HTTP 400
│   ├── MalformedRequest      malformed_request       exit  2  HTTP 400
│   ├── HeadersTooLarge       headers_too_large       exit  2  HTTP 431
│   ├── MethodNotAllowed      method_not_allowed      exit  2  HTTP 405
│   ├── RequestTimeout        request_timeout         exit  2  HTTP 408
│   ├── RequestTooLarge       request_too_large       exit  2  HTTP 413
│   └── UnsupportedMediaType  unsupported_media_type  exit  2  HTTP 415
├── NotFound                  not_found               exit  3  HTTP 404
│   ├── UnknownDocument       unknown_document        exit  3  HTTP 404
│   └── UnknownGeneration     unknown_generation      exit  3  HTTP 404
├── CorpusError               corpus_error            exit  4  HTTP 500
│   ├── InvalidRegister       invalid_register        exit  4  HTTP 500
│   ├── InvalidSynonyms       invalid_synonyms        exit  4  HTTP 500
│   ├── UnreadableDocument    unreadable_document     exit  4  HTTP 500
│   ├── NoReader              no_reader               exit  4  HTTP 500
│   └── NothingToServe        nothing_to_serve        exit  4  HTTP 500
├── IndexUnavailable          index_unavailable       exit  5  HTTP 503
│   ├── NoIndex               no_index                exit  5  HTTP 503
│   ├── OutOfService          out_of_service          exit  5  HTTP 503
│   ├── DamagedGeneration     damaged_generation      exit  5  HTTP 503
│   └── OtherFormat           other_format            exit  5  HTTP 503
├── ModelUnavailable          model_unavailable       exit  6  HTTP 503
├── Overloaded                overloaded              exit 70  HTTP 503
│   ├── DeadlineExceeded      deadline_exceeded       exit 70  HTTP 503
│   └── TooManyConnections    too_many_connections    exit 70  HTTP 503
├── CheckFailed               check_failed            exit  1  HTTP 500
└── StorageFailed             storage_failed          exit  7  HTTP 503
```
"""

from collections.abc import Mapping
from typing import ClassVar


class ClinicQAError(Exception):
    """The root of the tree.

    `message` names what is wrong and where, `remedy` what to do next; neither ever holds a question.
    `detail` holds the same facts for a machine.
    """

    code: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 70
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, remedy: str = "", detail: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.detail: Mapping[str, object] = dict(detail or {})

    def __str__(self) -> str:
        """One line: what is wrong, where, and what to do next."""
        return f"{self.message} {self.remedy}".strip()


class InvalidRequest(ClinicQAError):
    code = "invalid_request"
    exit_code = 2
    http_status = 422


class InvalidQuestion(InvalidRequest):
    code = "invalid_question"


class UnknownAudience(InvalidRequest):
    code = "unknown_audience"


class InvalidSetting(InvalidRequest):
    code = "invalid_setting"
    http_status = 500


class MalformedBody(InvalidRequest):
    """The body of an HTTP request is not UTF-8, or not JSON."""

    code = "malformed_body"
    http_status = 400


class MalformedRequest(InvalidRequest):
    """What came over a connection is not HTTP."""

    code = "malformed_request"
    http_status = 400


class HeadersTooLarge(InvalidRequest):
    code = "headers_too_large"
    http_status = 431


class MethodNotAllowed(InvalidRequest):
    code = "method_not_allowed"
    http_status = 405


class RequestTimeout(InvalidRequest):
    """The client did not send its request in time."""

    code = "request_timeout"
    http_status = 408


class RequestTooLarge(InvalidRequest):
    code = "request_too_large"
    http_status = 413


class UnsupportedMediaType(InvalidRequest):
    code = "unsupported_media_type"
    http_status = 415


class NotFound(ClinicQAError):
    code = "not_found"
    exit_code = 3
    http_status = 404


class UnknownDocument(NotFound):
    code = "unknown_document"


class UnknownGeneration(NotFound):
    code = "unknown_generation"


class CorpusError(ClinicQAError):
    code = "corpus_error"
    exit_code = 4


class InvalidRegister(CorpusError):
    code = "invalid_register"


class InvalidSynonyms(CorpusError):
    """An entry of the editor's synonyms is not as it should be."""

    code = "invalid_synonyms"


class UnreadableDocument(CorpusError):
    code = "unreadable_document"


class NoReader(CorpusError):
    """The file may be whole, but no reader for its format exists."""

    code = "no_reader"


class NothingToServe(CorpusError):
    code = "nothing_to_serve"


class IndexUnavailable(ClinicQAError):
    code = "index_unavailable"
    exit_code = 5
    http_status = 503


class NoIndex(IndexUnavailable):
    code = "no_index"


class OutOfService(IndexUnavailable):
    """The index was taken out of service because none of its text may be quoted any more."""

    code = "out_of_service"


class DamagedGeneration(IndexUnavailable):
    code = "damaged_generation"


class OtherFormat(IndexUnavailable):
    code = "other_format"


class ModelUnavailable(ClinicQAError):
    code = "model_unavailable"
    exit_code = 6
    http_status = 503


class Overloaded(ClinicQAError):
    """As many questions wait as may wait; only a server raises it."""

    code = "overloaded"
    http_status = 503


class DeadlineExceeded(Overloaded):
    code = "deadline_exceeded"


class TooManyConnections(Overloaded):
    code = "too_many_connections"


class CheckFailed(ClinicQAError):
    """A check that the user asked for found something; the report is already printed."""

    code = "check_failed"
    exit_code = 1


class StorageFailed(ClinicQAError):
    """The disk is full, read-only or failing."""

    code = "storage_failed"
    exit_code = 7
    http_status = 503


REBUILD = "Run `qa build`."
"""The remedy for an index, or a part of one, that is of no use."""

UNUSABLE: tuple[type[ClinicQAError], ...] = (
    NoIndex,
    OutOfService,
    DamagedGeneration,
    OtherFormat,
    UnknownGeneration,
)
"""What says that a generation is of no use; any other error says that the machine could not tell."""
