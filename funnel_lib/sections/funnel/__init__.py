"""Where does the funnel narrow?"""
