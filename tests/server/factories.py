"""Requests and models with every default given, so that a test states only what it varies."""

from dataclasses import replace
from typing import Any

from bundle.load import load_bundle
from server.types import (
    AttributionLevel,
    Length,
    LongDocuments,
    OffsetUnit,
    RequestedOptions,
    ServedModel,
    SummaryRequest,
)
from tests.bundle.conftest import DEFAULT_BUNDLE

BUNDLE = load_bundle(DEFAULT_BUNDLE)


def make_model(
    *,
    max_document_bytes: int = 1 << 20,
    max_source_tokens: int = 1022,
    max_summary_tokens: int = 512,
    min_source_tokens: int | None = None,
) -> ServedModel:
    limits = replace(BUNDLE.manifest.limits, min_source_tokens=min_source_tokens)
    return ServedModel(
        manifest=replace(BUNDLE.manifest, limits=limits),
        bundle_sha256=BUNDLE.manifest_sha256,
        max_source_tokens=max_source_tokens,
        max_summary_tokens=max_summary_tokens,
        max_document_bytes=max_document_bytes,
        max_batch_in_flight=32,
        requested_provider="cpu",
        actual_provider="CPUExecutionProvider",
        capabilities=(),
    )


def make_request(
    document: str = "A document.",
    *,
    style: str = "",
    language: str = "",
    model: str = "",
    model_version: str = "",
    deadline_s: float | None = None,
    wants_deltas: bool = False,
    request_id: str = "test",
    long_documents: LongDocuments = LongDocuments.AUTO,
    length: Length | None = None,
    by_rank: bool = False,
    bullets: bool = False,
    attribution: AttributionLevel | None = None,
    offset_unit: OffsetUnit = OffsetUnit.CODE_POINT,
    **options: Any,
) -> SummaryRequest:
    return SummaryRequest(
        document=document,
        request_id=request_id,
        model=model,
        model_version=model_version,
        style=style,
        language=language,
        options=RequestedOptions(**options),
        long_documents=long_documents,
        length=length,
        by_rank=by_rank,
        bullets=bullets,
        attribution=attribution,
        offset_unit=offset_unit,
        deadline_s=deadline_s,
        wants_deltas=wants_deltas,
    )
