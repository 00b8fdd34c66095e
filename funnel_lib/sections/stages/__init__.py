"""What do the CRM's stages say beside the client's steps?"""
