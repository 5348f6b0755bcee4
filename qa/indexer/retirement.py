"""When an index goes out of service: its register lets nothing be served any more."""

from pathlib import Path

from qa.corpus.register import Register
from qa.errors import UNUSABLE, NoIndex, OutOfService
from qa.index.manifest import read_manifest
from qa.index.publication import generation_folder, live_id, take_out_of_service, write_lock


def retire(index_folder: Path, register: Register) -> str:
    """Takes the index out of service when it was built under this register, which now lets nothing of it be served.

    An index of other documents is left alone: the wrong corpus was named then. Returns what becomes of the live index,
    in a sentence. Raises StorageFailed when another process writes the index, IndexUnavailable when its manifest cannot
    be read today, and OSError when the folder cannot be written.
    """
    known = {approval.document_id for approval in register.approvals}
    try:
        with write_lock(index_folder):
            live = read_manifest(generation_folder(index_folder, live_id(index_folder)))
            if known.isdisjoint(live.audiences["staff"].documents):
                return f"The live index {index_folder} keeps serving: this register knows none of its documents."
            take_out_of_service(index_folder)
    except NoIndex:
        return f"No index is live in {index_folder}."
    except OutOfService:
        return f"The index {index_folder} is out of service already."
    except UNUSABLE as error:
        return f"The live index was left as it is, and a server that has it open serves on: {error.message}"
    return f"The index {index_folder} was taken out of service."
