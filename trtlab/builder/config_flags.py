"""The part of a builder config that is flags and preview features."""

from trtlab.builder.config_base import ConfigBase
from trtlab.builder.flags import DEFAULT_FLAGS, HINTS, check_flag, preview_hint
from trtlab.core.build_enums import BuilderFlag, PreviewFeature
from trtlab.core.errors import UsageError
from trtlab.network.api.arguments import member, whole


class FlagMembers(ConfigBase):
    """Builder flags and preview features."""

    def reset(self) -> None:
        """TF32 on, all else off."""
        super().reset()
        self._flags = DEFAULT_FLAGS
        self._previews: dict[PreviewFeature, bool] = {}

    @property
    def flags(self) -> int:
        """Bit mask of `BuilderFlag`."""
        return self._flags

    @flags.setter
    def flags(self, flags: int) -> None:
        mask = whole(flags, "the builder flags", least=0)
        if mask >> len(BuilderFlag):
            raise UsageError(f"builder flags {mask:#b} have unknown bits")
        for flag in BuilderFlag:
            if mask >> flag & 1 and not self._flags >> flag & 1:
                self._announce(flag)
        self._flags = mask

    def set_flag(self, flag: BuilderFlag) -> None:
        """Switch a flag on.

        Raises:
            UnsupportedError: What it promises is not available; says what to do instead.
        """
        known = member(BuilderFlag)(flag, "the flag")
        self._announce(known)
        self._flags |= 1 << known

    def clear_flag(self, flag: BuilderFlag) -> None:
        """Switch a flag off."""
        self._flags &= ~(1 << member(BuilderFlag)(flag, "the flag"))

    def get_flag(self, flag: BuilderFlag) -> bool:
        """Whether a flag is on."""
        return bool(self._flags >> member(BuilderFlag)(flag, "the flag") & 1)

    def _announce(self, flag: BuilderFlag) -> None:
        check_flag(flag)
        if flag in HINTS:
            self.hint(f"BuilderFlag.{flag.name}", HINTS[flag])

    def set_preview_feature(self, feature: PreviewFeature, enable: bool) -> None:  # noqa: FBT001
        """Switch a preview feature, which changes nothing here.

        Raises:
            UnsupportedError: The feature is missing and shall be on.
        """
        known = member(PreviewFeature)(feature, "the preview feature")
        if enable:
            self.hint(f"PreviewFeature.{known.name}", preview_hint(known))
        self._previews[known] = enable

    def get_preview_feature(self, feature: PreviewFeature) -> bool:
        """Whether a preview feature is on."""
        return self._previews.get(
            member(PreviewFeature)(feature, "the preview feature"), False
        )
