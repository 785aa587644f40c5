"""What the doctor says of YuNet's weights."""

import hashlib

from cdmer import doctor
from cdmer.faces import yunet


def test_yunet_missing_wrong_and_right(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def finding():
        return next(found for found in doctor.look() if found.name == "YuNet")

    missing = finding()
    assert not missing.ok
    assert not missing.needed
    assert missing.remedy.startswith("curl")
    place = yunet.weights_place()
    place.parent.mkdir()
    place.write_bytes(b"something else")
    assert "is not the file" in finding().found
    monkeypatch.setattr(yunet, "SHA256", hashlib.sha256(b"something else").hexdigest())
    assert finding().ok
    assert finding().found.startswith(str(place))
