"""Reading subreads by ZMW: raw ones by their names, aligned ones (by actc or 'align') by their reference."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.dataset import RecordFilter
from deepconsensus_py.pacbio.grouping import Group, Grouping
from deepconsensus_py.pacbio.index import MoleculeKeys, OffsetIndex
from deepconsensus_py.pacbio.names import MoleculeId
from deepconsensus_py.pacbio.pbi import PbiFile, pbi_path
from deepconsensus_py.pacbio.pipes import called, is_pipe
from deepconsensus_py.pacbio.places import require_end
from deepconsensus_py.pacbio.read_types import SUBREAD, ReadTypes
from deepconsensus_py.pacbio.record_file import RecordFile


class SubreadFile:
    """One file of subreads.

    Attributes:
        path: the file.
        header: its header.
        aligned: whether the subreads are aligned to drafts, i.e. the header has references.
        chosen: the filters of the data set that lists it, or None.
        dropped: records skipped so far: unmapped ones in an aligned file, secondary and supplementary ones, and those
            that are not chosen.
        grouping: assigns records to molecules.
    """

    def __init__(self, path: Path, chosen: RecordFilter | None = None) -> None:
        """Open a file.

        Args:
            path: the file.
            chosen: the filters of the data set that lists it, or None.

        Raises:
            InputError: it cannot be read, or all its read groups have another read type.
        """
        self._file = RecordFile(path)
        self.path, self.chosen = path, chosen
        self.header = self._file.header
        self.seekable = self._file.seekable
        self.aligned = self.header.nreferences > 0
        self.dropped = 0
        self._ahead: tuple[int, Record, int] | None = None
        self.grouping = Grouping(path, self.header)
        self._start = self._file.tell()
        types = ReadTypes(self.header, path, SUBREAD)
        if types.all_others and (first := next(iter(self._file), None)) is not None:
            types.require(first)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def rewind(self) -> None:
        """Go back to the first record; only if the file is seekable."""
        self._file.seek(self._start)
        self.dropped = 0

    def groups(self) -> Iterator[Group]:
        """The molecules from the current position on.

        Raises:
            InputError: the file is damaged, or a record cannot be assigned to a molecule.
        """
        return self.grouping.groups(self._counted())

    def _counted(self) -> Iterator[tuple[int, Record]]:
        """The records that are not skipped, with their virtual offsets."""
        mark = self._file.tell()
        for record in self._file:
            offset, mark = mark, self._file.tell()
            if self._is_dropped(record):
                self.dropped += 1
            else:
                yield offset, record

    def group_at(self, offset: int) -> Group:
        """The molecule whose first record is at a virtual offset.

        Raises:
            InputError: the file is not seekable, or is damaged.
        """
        if is_pipe(self.path):
            raise InputError(
                f"{called(self.path)}: its ZMWs and those of the CCS reads differ or are in another order, so that it "
                "would have to be read again; write it to a file and give that file"
            )
        if not self.seekable:
            raise InputError(
                f"{self.path}: its ZMWs are in another order than in the CCS file, and only BAM files can be read out "
                "of order; convert it to BAM (samtools view -b)"
            )
        return next(self.groups_from(offset))

    def records_at(self, offset: int, size: int) -> list[Record]:
        """The records that are not skipped among ``size`` consecutive ones from a virtual offset on.

        Raises:
            InputError: the file is damaged.
        """
        return [record for record in islice(self._from(offset), size) if not self._is_dropped(record)]

    def record_at(self, offset: int) -> Record | None:
        """The record at a virtual offset; None at the end of the file. ``records_at`` does not read it again.

        Raises:
            InputError: the file is damaged.
        """
        if self._ahead and self._ahead[0] == offset:
            return self._ahead[1]
        record = next(self._from(offset), None)
        self._ahead = None if record is None else (offset, record, self._file.tell())
        return record

    def _from(self, offset: int) -> Iterator[Record]:
        """The records from a virtual offset on."""
        ahead, self._ahead = self._ahead, None
        if ahead and ahead[0] == offset:
            yield ahead[1]
            offset = ahead[2]
        # Seeking to the current position would read and decompress the block again.
        if self._file.tell() != offset:
            self._file.seek(offset)
        yield from self._file

    def groups_from(self, offset: int) -> Iterator[Group]:
        """The molecules from a virtual offset on.

        Raises:
            InputError: as ``groups``.
        """
        self._file.seek(offset)
        return self.groups()

    def require_end(self, pbi: PbiFile, last: int) -> None:
        """Refuse an index that does not end where this file ends; see ``places.require_end``."""
        require_end(pbi, self._file, last)

    def _is_dropped(self, record: Record) -> bool:
        if record.fault:
            return False
        # An unmapped record with a CIGAR contradicts its flag, which is reported when it is decoded.
        if not record.primary or (self.aligned and record.unmapped and not record.cigar):
            return True
        return self.chosen is not None and not self.chosen.accepts(record)


def no_subreads(names: str, n_records: int, *, aligned: bool) -> InputError:
    """The error for files without subreads."""
    unaligned = f" aligned ({n_records} unaligned)" if aligned else ""
    return InputError(f"{names}: no{unaligned} subreads found")


class SubreadSource:
    """Subreads files without indexes that can be searched for molecules, in any order, with bounded memory.

    If molecules are requested in file order, the files are read once. The offset of each molecule passed on the way is
    kept (16 bytes), so that it can be found later by seeking.

    Attributes:
        aligned: whether the subreads are aligned to drafts.
        n_molecules: molecules seen so far.
        complete: whether the files have been read to their end.
        unindexed: BAM files without an index.
    """

    def __init__(self, files: Sequence[SubreadFile]) -> None:
        """Read files from the start.

        Args:
            files: all aligned, or none.
        """
        self._files = files
        self.aligned = files[0].aligned
        self.n_molecules = 0
        self.complete = False
        self.unindexed = tuple(file.path for file in files if file.seekable and not pbi_path(file.path).is_file())
        self._keys = MoleculeKeys()
        self._indexes = [OffsetIndex() for _ in self._files]
        self._stream = self._groups()
        self._latest: Group | None = None
        self._again: dict[int, SubreadFile] = {}

    def close(self) -> None:
        """Close the files."""
        for file in [*self._files, *self._again.values()]:
            file.close()

    @property
    def names(self) -> str:
        """The files, for messages."""
        return ", ".join(str(file.path) for file in self._files)

    @property
    def dropped(self) -> int:
        """Records skipped so far."""
        return sum(file.dropped for file in self._files)

    def groups(self, skip: int = 0) -> Iterator[Group]:
        """The molecules that have not been read yet, in file order, without the first ``skip``."""
        return islice(self._stream, skip, None)

    def pass_all(self) -> None:
        """Read to the end, so that ``has``, ``molecules`` and ``n_molecules`` cover all files.

        Raises:
            InputError: a file is damaged, or the subreads of a ZMW are in two separate places.
        """
        for _ in self._stream:
            pass

    def molecules(self) -> Iterator[MoleculeId]:
        """The molecules seen so far, in file order."""
        for index in self._indexes:
            yield from self._keys.molecules(index.keys().tolist())

    def find(self, molecule: MoleculeId) -> list[Record]:
        """The records of a molecule; empty if the files do not have it.

        Args:
            molecule: that of the draft; raw subreads are used for both strands of their ZMW.

        Raises:
            InputError: a file is damaged or not grouped by ZMW.
        """
        wanted = molecule if self.aligned else molecule.zmw
        if self._latest is None or self._latest.molecule != wanted:
            self._latest = self._passed(wanted) or next((g for g in self._stream if g.molecule == wanted), None)
        return self._latest.records if self._latest else []

    def has(self, molecule: MoleculeId) -> bool:
        """Whether the part of the files that has been read has a molecule."""
        return self._place(molecule if self.aligned else molecule.zmw) is not None

    def _groups(self) -> Iterator[Group]:
        for number, file in enumerate(self._files):
            for group in file.groups():
                self._note(group, number)
                yield group
        self.complete = True
        # An aligned file without records is valid: a chunk in which no subread aligned.
        if self.n_molecules == 0 and (self.dropped or not self.aligned):
            raise no_subreads(self.names, self.dropped, aligned=self.aligned)

    def _note(self, group: Group, number: int) -> None:
        if (earlier := self._place(group.molecule)) is not None:
            path, before = self._files[number].path, self._files[earlier[0]].path
            where, remedy = "two separate places", "sort by read name (samtools sort -n)"
            if path != before:
                where, remedy = f"{before} too", "merge the files by read name (samtools merge -n)"
            raise InputError(f"{path}: the subreads of {group.molecule} are in {where}; {remedy}")
        self._indexes[number].add(self._keys.key(group.molecule), group.offset)
        self.n_molecules += 1

    def _place(self, molecule: MoleculeId) -> tuple[int, int] | None:
        key = self._keys.key(molecule)
        found = ((number, index.find(key)) for number, index in enumerate(self._indexes))
        return next(((number, offset) for number, offset in found if offset is not None), None)

    def _passed(self, molecule: MoleculeId) -> Group | None:
        place = self._place(molecule)
        if place is None:
            return None
        number, offset = place
        # A second handle: the first one keeps its position. Of what cannot be sought there is none.
        if not self._files[number].seekable:
            return self._files[number].group_at(offset)
        if number not in self._again:
            self._again[number] = SubreadFile(self._files[number].path, self._files[number].chosen)
        return self._again[number].group_at(offset)
