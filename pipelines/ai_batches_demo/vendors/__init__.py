"""How each vendor shows its batches, after its page and recorded replies."""

from .anthropic import ANTHROPIC
from .azure_openai import AZURE_OPENAI
from .bedrock import BEDROCK
from .bland import BLAND
from .cohere import COHERE
from .dashscope import DASHSCOPE
from .deepinfra import DEEPINFRA
from .doubleword import DOUBLEWORD
from .fireworks import FIREWORKS
from .gemini import GEMINI
from .groq import GROQ
from .kimi import KIMI
from .mistral import MISTRAL
from .nebius import NEBIUS
from .novita import NOVITA
from .openai import OPENAI
from .openai_compatible import OPENAI_COMPATIBLE
from .openrouter import OPENROUTER
from .perplexity import PERPLEXITY
from .respan import RESPAN
from .siliconflow import SILICONFLOW
from .together import TOGETHER
from .vendor import DemoVendor, ResultRoute, json_response
from .vertex import VERTEX
from .voyage import VOYAGE
from .xai import XAI
from .zhipu import ZHIPU

VENDORS: dict[str, DemoVendor] = {
    vendor.name: vendor
    for vendor in (
        BLAND,
        RESPAN,
        OPENAI,
        NOVITA,
        KIMI,
        ANTHROPIC,
        AZURE_OPENAI,
        BEDROCK,
        COHERE,
        DASHSCOPE,
        DEEPINFRA,
        DOUBLEWORD,
        FIREWORKS,
        GEMINI,
        GROQ,
        MISTRAL,
        NEBIUS,
        OPENAI_COMPATIBLE,
        OPENROUTER,
        SILICONFLOW,
        TOGETHER,
        VERTEX,
        VOYAGE,
        XAI,
        ZHIPU,
        PERPLEXITY,
    )
}
"""The vendors that the demo server speaks as, by provider name."""

__all__ = ["VENDORS", "DemoVendor", "ResultRoute", "json_response"]
