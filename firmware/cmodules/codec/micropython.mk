# The codec as user C module `perilune_codec`, for the firmware and for the unix port of the tests.
CODEC_DIR := $(USERMOD_DIR)
SRC_USERMOD_C += $(CODEC_DIR)/modperilune_codec.c $(CODEC_DIR)/binding_fields.c $(CODEC_DIR)/binding_headers.c
SRC_USERMOD_LIB_C += $(addprefix $(CODEC_DIR)/,cltu.c crc.c field.c randomise.c sha256.c sync.c telecommand.c telemetry.c)
CFLAGS_USERMOD += -I$(CODEC_DIR)
