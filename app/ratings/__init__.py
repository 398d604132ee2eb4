"""共评: what residents say of finished work, and what is put right because of it."""
