"""What cannot be avoided of reading results: a file streamed over one session, each line decoded.

    python benchmarks/bare_results.py <base url>

It sums up tokens and stores nothing: a measure, not a connector.
"""

import sys

import orjson
import requests


def main(url: str) -> None:
    """Reads the results of the newest batch."""
    session = requests.Session()
    session.headers["Authorization"] = "Bearer key-of-nobody"
    batch = session.get(f"{url}/batches").json()["data"][0]
    reply = session.get(f"{url}/files/{batch['output_file_id']}/content", stream=True)
    tokens, rest = 0, b""
    for part in reply.iter_content(1 << 20):
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            usage = orjson.loads(line)["response"]["body"]["usage"]
            tokens += usage["prompt_tokens"] + usage["completion_tokens"]
    sys.stdout.write(f"{tokens}\n")


if __name__ == "__main__":
    main(sys.argv[1])
